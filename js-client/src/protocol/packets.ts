/**
 * What can be said: one record per packet. How it is spelled is told in spelling.ts.
 *
 * Counted packets change something and have a number in their direction; the others are about the conversation itself.
 */

/** Let me into a namespace. */
export interface Join {
  readonly kind: "join";
  readonly namespace: string;
  readonly auth?: unknown;
}

/** You are in; `socket` is the public id of your socket there. */
export interface Joined {
  readonly kind: "joined";
  readonly namespace: string;
  readonly socket: string;
}

/** You are not in, and why. */
export interface Refused {
  readonly kind: "refused";
  readonly namespace: string;
  readonly reason: string;
  readonly data?: unknown;
}

/** I leave the namespace, or you are put out of it. */
export interface Leave {
  readonly kind: "leave";
  readonly namespace: string;
  readonly reason?: string;
}

/** Something happened; no answer is wanted. `redelivered`: it may have been handled before (contract rule 23). */
export interface Event {
  readonly kind: "event";
  readonly namespace: string;
  readonly name: string;
  readonly args: readonly unknown[];
  readonly redelivered?: boolean;
}

/**
 * An event that wants an answer within `timeout` milliseconds.
 *
 * The arguments that `streams` counts, from 1, come as streams. With `credit` the answer is one, which may begin with so
 * many items.
 */
export interface Call {
  readonly kind: "call";
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  readonly args: readonly unknown[];
  readonly timeout?: number | null;
  readonly redelivered?: boolean;
  readonly streams?: readonly number[] | null;
  readonly credit?: number | null;
}

/** The answer to call `id`. */
export interface Reply {
  readonly kind: "reply";
  readonly id: number;
  readonly value?: unknown;
}

/** Call `id` has no answer, and why. */
export interface Failed {
  readonly kind: "failed";
  readonly id: number;
  readonly code: string;
  readonly message?: string;
  readonly data?: unknown;
}

/** The answer to call `id` is no longer wanted. */
export interface Cancel {
  readonly kind: "cancel";
  readonly id: number;
}

/** One value of a stream of call `id`. */
export interface Item {
  readonly kind: "item";
  readonly id: number;
  readonly stream: number;
  readonly value?: unknown;
}

/** A stream of call `id` is over, by an error or by itself. */
export interface End {
  readonly kind: "end";
  readonly id: number;
  readonly stream: number;
  readonly error?: readonly [code: string, message?: string, data?: unknown] | null;
}

/** Items of a stream may be sent up to this count (absolute, so a repeat is harmless). */
export interface Credit {
  readonly kind: "credit";
  readonly id: number;
  readonly stream: number;
  readonly limit: number;
}

/** Fresh credentials for the living session. */
export interface Renew {
  readonly kind: "renew";
  readonly auth?: unknown;
}

/** The client's half of an attach (contract rules 1, 12). `key` proves who owns the session. */
export interface Hello {
  readonly kind: "hello";
  readonly key: string;
  readonly attempt: number;
  readonly version?: number;
  readonly epoch?: string | null;
  readonly sid?: string | null;
  readonly received?: number;
  readonly auth?: unknown;
  readonly joins?: readonly (readonly [namespace: string, auth: unknown])[];
}

/** The server's half of an attach. Times in milliseconds; `inbox` and `heartbeat` are pairs. */
export interface Welcome {
  readonly kind: "welcome";
  readonly epoch: string;
  readonly sid: string;
  readonly received: number;
  readonly next: number;
  readonly resumed: boolean;
  readonly version?: number | null;
  readonly reason?: string | null;
  readonly heartbeat?: readonly [interval: number, timeout: number] | null;
  readonly window?: number | null;
  readonly inbox?: readonly [packets: number, size: number] | null;
  readonly message?: number | null;
}

/** No attach. `retryAfter` in milliseconds says when to come back (null: not by yourself). */
export interface Refuse {
  readonly kind: "refuse";
  readonly code: string;
  readonly reason?: string;
  readonly retryAfter?: number | null;
  readonly attempt?: number | null;
}

/** All up to `handed` was handed over; all up to `received` arrived (null: the same). */
export interface Ack {
  readonly kind: "ack";
  readonly handed: number;
  readonly received?: number | null;
}

/** Are you there? `time` comes back in the Pong. */
export interface Ping {
  readonly kind: "ping";
  readonly time: number;
}

/** Yes. `time` is the Ping's, `now` the clock of the one who answers, both in milliseconds. */
export interface Pong {
  readonly kind: "pong";
  readonly time: number;
  readonly now: number;
}

/** The session ends here. `retryAfter` in milliseconds says when a new one is welcome (null: not by yourself). */
export interface Close {
  readonly kind: "close";
  readonly code: string;
  readonly reason?: string;
  readonly retryAfter?: number | null;
}

/** An event that may be dropped, never kept, never twice. */
export interface Volatile {
  readonly kind: "volatile";
  readonly namespace: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

export type Packet =
  | Join
  | Joined
  | Refused
  | Leave
  | Event
  | Call
  | Reply
  | Failed
  | Cancel
  | Item
  | End
  | Credit
  | Renew
  | Hello
  | Welcome
  | Refuse
  | Ack
  | Ping
  | Pong
  | Close
  | Volatile;

export type Kind = Packet["kind"];

/** What the receiver's inbox must hold until it is handed over: the sender's window counts it, and holds it back. */
export function isFlow(kind: Kind): boolean {
  return /^(event|call|volatile)$/.test(kind);
}
