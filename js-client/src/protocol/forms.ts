/** The msgpack form of the wire: binary messages, composed by joining encoded packets behind a short head. */
import { DecodeError } from "../errors.js";
import { type Codec, type Data, joined, type Message } from "./codec.js";
import { decode, encode } from "./msgpack.js";
import type { Packet } from "./packets.js";
import { readMessage } from "./spelling.js";
import { MAX_DEPTH } from "./values.js";

// A message adds two levels to those of the values in it: itself and its packets.
export const MESSAGE_DEPTH = MAX_DEPTH + 2;

/** What the fields are called that the application fills, in errors. */
export function nameOf(field: unknown): string {
  return Array.isArray(field) ? "args" : "value";
}

/** The form belongs to the session, so a message of the other one is the peer's fault. */
export function otherForm(): never {
  throw new DecodeError("another form");
}

export class MsgpackCodec implements Codec {
  readonly contentType = "application/msgpack";

  /** See Codec.encode. */
  encode(packet: Packet): Uint8Array<ArrayBuffer> {
    return list(packet.map((field) => encode(field, nameOf(field))));
  }

  /** See Codec.pack. */
  pack(number: number, counted: number, parts: readonly Uint8Array<ArrayBuffer>[]): Data {
    return list([encode(number), encode(counted), ...parts]);
  }

  /** See Codec.decode. */
  decode(data: Data): Message {
    return readMessage(typeof data === "string" ? otherForm() : decode(data, MESSAGE_DEPTH));
  }
}

/** A list of values that are encoded already. */
function list(parts: readonly Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  const { length } = parts;
  return joined([length < 16 ? [0x90 + length] : [0xdc, length >> 8, length], ...parts]);
}
