/** What applications and the client exchange, as types only. */
import type { BackoffSettings } from "./backoff.js";
import type { Codec } from "./protocol/codec.js";
import type { Fetch } from "./transports/polling.js";
import type { SocketConstructor } from "./transports/websocket.js";

/** The events of one direction by name, as functions: `{ said: (who: string, text: string) => void }`. */
export type Events<Map> = { [Name in keyof Map]: (...args: never[]) => unknown };

/** What is heard where the application names no events: a handler says itself what it takes. */
export type AnyHeard = Record<string, (...args: never[]) => unknown>;

/** What is said where the application names no events. */
export type AnySaid = Record<string, (...args: unknown[]) => unknown>;

export type Name<Map> = keyof Map & string;
export type Args<Map extends Events<Map>, N extends keyof Map> = Parameters<Map[N]>;
export type Answer<Map extends Events<Map>, N extends keyof Map> = Awaited<ReturnType<Map[N]>>;

/** Credentials: a wire value, or a function that returns them, or a promise of them, for every join. */
export type Auth = unknown | (() => unknown);

export type TransportKind = "websocket" | "longpoll";

export interface ClientOptions {
  /** Where the server is mounted, relative to the page; http(s) and ws(s) mean the same. */
  readonly url?: string;
  /** For where there is none, such as Node 20. */
  readonly WebSocket?: SocketConstructor;
  readonly fetch?: Fetch;
  /** In order of choice. */
  readonly transports?: readonly TransportKind[];
  readonly backoff?: Partial<BackoffSettings>;
  /** What may wait for the server, unacked included. */
  readonly outbox?: { readonly packets?: number; readonly size?: number };
  /** The form of the session; msgpack unless another is handed in. */
  readonly codec?: Codec;
}

export interface NamespaceOptions {
  readonly auth?: Auth;
}

/** Options of one emit or call; times in seconds. */
export interface SendOptions {
  /** It is dropped unless it could be sent by then; a call then ends with CallNotSent. */
  readonly deadline?: number;
  /** How long a call waits for its answer; 30 unless said. */
  readonly timeout?: number;
  /** It may run twice: should its session be lost, it is sent again, marked redelivered. */
  readonly repeatable?: boolean;
}

/** connecting: for the first time, or again. waiting: until the next try. closed: for good. */
export type ConnectionState = "connecting" | "connected" | "waiting" | "closed";

export interface StateChange {
  readonly state: ConnectionState;
  readonly previous: ConnectionState;
  readonly transport: TransportKind | null;
  /** Why: of a lost transport, a session that was not resumed, or the end; "" when there is nothing to say. */
  readonly reason: string;
  /**
   * When connected again: true means nothing lost and nothing twice; false that a new session began. Not there when
   * connected for the first time.
   */
  readonly resumed?: boolean;
}

/** An event or call, as it was emitted. */
export interface Sent {
  readonly namespace: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** `arrived` tells whether the server had received it; null if unknown. */
export interface Unconfirmed extends Sent {
  readonly arrived: boolean | null;
}

/** What became of a session that was lost. What is in neither list arrived, or waits for the next session. */
export interface Loss {
  readonly reason: string;
  /** Sent and not confirmed: it may have run. */
  readonly unconfirmed: readonly Unconfirmed[];
  /** Given up without having been sent. */
  readonly unsent: readonly Sent[];
  /** In how many seconds the server wants to see us again; null: not by ourselves. */
  readonly retryAfter: number | null;
}

export interface Connected {
  /** The public id of our socket in this namespace. */
  readonly id: string;
  /** False: a session that is resumed needs no join, so every join begins anew. */
  readonly resumed: boolean;
}
