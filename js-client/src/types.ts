/** What applications and the client exchange, as types only. */
import type { BackoffSettings } from "./backoff.js";
import type { Codec } from "./protocol/codec.js";
import type { Fetch } from "./transports/http.js";
import type { SocketConstructor } from "./transports/websocket.js";

/** The events of one direction by name, as functions: `{ said: (who: string, text: string) => void }`. */
export type Events<Map> = { [Name in keyof Map]: (...args: never[]) => unknown };

/** What is heard where the application names no events: a handler says itself what it takes. */
export type AnyHeard = Record<string, (...args: never[]) => unknown>;

/** What is said where the application names no events. */
export type AnySaid = Record<string, (...args: unknown[]) => unknown>;

export type Name<Map> = keyof Map & string;
export type Args<Map extends Events<Map>, N extends keyof Map> = Parameters<Map[N]>;

/** Events whose answer is a stream: functions that return an AsyncIterable. */
export type Streaming<Map extends Events<Map>> = {
  [N in Name<Map>]: unknown extends ReturnType<Map[N]>
    ? N
    : ReturnType<Map[N]> extends AsyncIterable<unknown>
      ? N
      : never;
}[Name<Map>];

/** What a call resolves to: of one whose answer is a stream, which wants `onItem`, only that it is over. */
export type Answer<Map extends Events<Map>, N extends keyof Map> =
  unknown extends ReturnType<Map[N]>
    ? unknown
    : ReturnType<Map[N]> extends AsyncIterable<unknown>
      ? undefined
      : Awaited<ReturnType<Map[N]>>;

/** The items of an answer that is a stream. */
export type Streamed<Map extends Events<Map>, N extends keyof Map> =
  ReturnType<Map[N]> extends AsyncIterable<infer Item> ? Item : unknown;

/** What is told of an event. As `this` it finds, in a call, what tells when nobody waits for the answer any more. */
export type Handler<Map extends Events<Map>, N extends keyof Map> = (
  this: { readonly signal?: AbortSignal },
  ...args: Args<Map, N>
) => unknown;

/** Credentials: a wire value, or a function that returns them, or a promise of them, whenever they are needed. */
export type Auth = unknown | (() => unknown);

export type TransportKind = "websocket" | "sse" | "longpoll";

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
  /** What the server's authentication hook is given at every attach, and when it says that the last ones expire. */
  readonly auth?: Auth;
}

export interface NamespaceOptions {
  readonly auth?: Auth;
}

/** Options of emits, calls and streams; times in seconds. */
export interface SendOptions {
  /** It is dropped unless it could be sent by then; a call then ends with CallNotSent. */
  readonly deadline?: number;
  /** It may run twice: should its session be lost, it is sent again, marked redelivered. Not for what has streams. */
  readonly repeatable?: boolean;
  /** An event that is worthless later: it leaves within 250 ms or never, and never twice. */
  readonly volatile?: boolean;
  /** Of events with this key only the newest counts: it takes the place of one that has not left. Not with `volatile`. */
  readonly latest?: string | number;
  /** How long a call waits for its answer; 30 unless said. A stream has no end unless said. */
  readonly timeout?: number;
  /** Takes a call back, or cancels it: then it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The answer of a call is a stream: told of every item; the next waits for the promise that it returns. */
  // A method, so that a callback may say which items it expects.
  onItem?(item: unknown): unknown;
}

/** connecting: for the first time, or again. waiting: until the next try. closed: for good. */
export type ConnectionState = "connecting" | "connected" | "waiting" | "closed";

/**
 * Why a socket is gone, in the words of docs/protocol.md. The session has ended: on purpose (closed, draining, revoked,
 * unauthorized, principal_changed), or because it could not go on (the others). replaced, version: the client has
 * stopped. left, put_out: only this socket is gone. A server that is newer may have more words.
 */
export type DisconnectCode =
  | "closed"
  | "draining"
  | "revoked"
  | "unauthorized"
  | "principal_changed"
  | "server_restart"
  | "expired"
  | "evicted"
  | "overflow"
  | "unknown"
  | "mismatch"
  | "flood"
  | "protocol"
  | "miscounted"
  | "unsupported"
  | "replaced"
  | "version"
  | "left"
  | "put_out"
  | (string & {});

/** `reason` is for humans, and may be empty. */
export interface Disconnected {
  readonly code: DisconnectCode;
  readonly reason: string;
}

/**
 * Why a transport is gone, or none came to be: the network (lost, offline, unreachable, timeout, silent, gap), the
 * application's `auth` (auth), or what the other end said. "": there is nothing to say.
 */
export type TransportReason = "" | "lost" | "offline" | "unreachable" | "timeout" | "silent" | "gap" | "auth";

export interface StateChange {
  readonly state: ConnectionState;
  readonly previous: ConnectionState;
  readonly transport: TransportKind | null;
  /** Why: of a lost transport, a session that was not resumed, a refusal, or the end. */
  readonly reason: DisconnectCode | TransportReason;
  /** When waiting: seconds until the next try. Else null, and while the machine is offline. */
  readonly retryIn: number | null;
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
  readonly reason: DisconnectCode;
  /** The same for humans. */
  readonly detail: string;
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
