/** The public names of the browser client, listed once. */

export { Client } from "./client.js";
export { connect } from "./connect.js";
export {
  AntiphonError,
  CallAbandoned,
  CallError,
  CallFailed,
  CallNotSent,
  CallTimeout,
  ConnectionClosed,
  ConnectionRefused,
  DecodeError,
  LocalProtocolError,
  OutboxFull,
  PayloadError,
  ProtocolError,
  RemoteProtocolError,
} from "./errors.js";
export type { Namespace } from "./namespace.js";
export type * from "./types.js";

export const version = "0.1.0";
