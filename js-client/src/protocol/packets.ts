/**
 * What can be said: a packet is the array that it is on the wire, its type first; the labels say what its fields are.
 *
 * Types 1 to 31 change something and have a number in their direction; 32 to 63 are about the conversation itself. That
 * is one bit, so that a stranger to a type still counts right. A field with a question mark may be missing, or null.
 */
export const JOIN = 1;
export const JOINED = 2;
export const REFUSED = 3;
export const LEAVE = 4;
export const EVENT = 5;
export const CALL = 6;
export const REPLY = 7;
export const FAILED = 8;
export const CANCEL = 9;
export const ITEM = 10;
export const END = 11;
export const CREDIT = 12;
export const RENEW = 13;
export const HELLO = 32;
export const WELCOME = 33;
export const REFUSE = 34;
export const ACK = 35;
export const PING = 36;
export const PONG = 37;
export const CLOSE = 38;
export const VOLATILE = 39;

type Optional<T> = T | null | undefined;

/** Let me into a namespace. */
export type Join = readonly [type: typeof JOIN, namespace: string, auth?: unknown];

/** You are in; `socket` is the public id of your socket there. */
export type Joined = readonly [type: typeof JOINED, namespace: string, socket: string];

/** You are not in, and why. */
export type Refused = readonly [type: typeof REFUSED, namespace: string, reason: string, data?: unknown];

/** I leave the namespace, or you are put out of it. */
export type Leave = readonly [type: typeof LEAVE, namespace: string, reason?: Optional<string>];

/** Something happened; no answer is wanted. `redelivered`: it may have been handled before (contract rule 23). */
export type Event = readonly [
  type: typeof EVENT,
  namespace: string,
  name: string,
  args: readonly unknown[],
  redelivered?: Optional<boolean>,
];

/**
 * An event that wants an answer within `timeout` milliseconds.
 *
 * The arguments that `streams` counts, from 1, come as streams. With `credit` the answer is one, which may begin with so
 * many items.
 */
export type Call = readonly [
  type: typeof CALL,
  id: number,
  namespace: string,
  name: string,
  args: readonly unknown[],
  timeout?: Optional<number>,
  redelivered?: Optional<boolean>,
  streams?: Optional<readonly number[]>,
  credit?: Optional<number>,
];

/** The answer to call `id`. */
export type Reply = readonly [type: typeof REPLY, id: number, value?: unknown];

/** Call `id` has no answer, and why. */
export type Failed = readonly [
  type: typeof FAILED,
  id: number,
  code: string,
  message?: Optional<string>,
  data?: unknown,
];

/** The answer to call `id` is no longer wanted. */
export type Cancel = readonly [type: typeof CANCEL, id: number];

/** One value of a stream of call `id`. */
export type Item = readonly [type: typeof ITEM, id: number, stream: number, value?: unknown];

/** A stream of call `id` is over, by itself or by an error: what Failed would say of it. */
export type End = readonly [
  type: typeof END,
  id: number,
  stream: number,
  error?: Optional<readonly [code: string, message?: string, data?: unknown]>,
];

/** Items of a stream may be sent up to this count (absolute, so a repeat is harmless). */
export type Credit = readonly [type: typeof CREDIT, id: number, stream: number, limit: number];

/** Fresh credentials for the living session, or the wish for them. */
export type Renew = readonly [type: typeof RENEW, auth?: unknown];

/** The client's half of an attach (contract rules 1, 12). `key` proves who owns the session. */
export type Hello = readonly [
  type: typeof HELLO,
  fields: {
    readonly key: string;
    readonly attempt: number;
    readonly version?: number;
    readonly epoch?: Optional<string>;
    readonly sid?: Optional<string>;
    readonly received?: number;
    readonly auth?: unknown;
    readonly joins?: readonly (readonly [namespace: string, auth: unknown])[];
  },
];

/** What the server says in its half of an attach. Times in milliseconds. */
export interface WelcomeFields {
  readonly epoch: string;
  readonly sid: string;
  readonly received: number;
  readonly next: number;
  readonly resumed: boolean;
  readonly reason?: Optional<string>;
  readonly heartbeat?: Optional<readonly [interval: number, timeout: number]>;
  readonly inbox?: Optional<readonly [packets: number, size: number]>;
  readonly message?: Optional<number>;
}

export type Welcome = readonly [type: typeof WELCOME, fields: WelcomeFields];

/** No attach. `retryAfter` in milliseconds says when to come back (null: not by yourself). */
export type Refuse = readonly [
  type: typeof REFUSE,
  code: string,
  reason?: Optional<string>,
  retryAfter?: Optional<number>,
  attempt?: Optional<number>,
];

/** All up to `handed` was handed over; all up to `received` arrived (null: the same). */
export type Ack = readonly [type: typeof ACK, handed: number, received?: Optional<number>];

/** Are you there? `time` comes back in the Pong. */
export type Ping = readonly [type: typeof PING, time: number];

/** Yes. `time` is the Ping's, `now` the clock of the one who answers, both in milliseconds. */
export type Pong = readonly [type: typeof PONG, time: number, now: number];

/** The session ends here. `retryAfter` in milliseconds says when a new one is welcome (null: not by yourself). */
export type Close = readonly [
  type: typeof CLOSE,
  code: string,
  reason?: Optional<string>,
  retryAfter?: Optional<number>,
];

/** An event that may be dropped, never kept, never twice. */
export type Volatile = readonly [type: typeof VOLATILE, namespace: string, name: string, args: readonly unknown[]];

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

const FIRST_UNCOUNTED = HELLO;

/** Whether packets of a type have a number. */
export function isCounted(type: number): boolean {
  return type < FIRST_UNCOUNTED;
}

/** What the receiver's inbox must hold until it is handed over: the sender's window counts it, and holds it back. */
export function isFlow(type: number): boolean {
  return type === EVENT || type === CALL || type === VOLATILE;
}

/** Takes effect on arrival: never held back by the window, may overtake the events that are, and is not kept for them. */
export function isUrgent(type: number): boolean {
  return type >= REPLY && type <= RENEW;
}

/** Where an event or call goes, what it is called, and what it carries. */
export function addressed(
  packet: Event | Call | Volatile,
): [namespace: string, name: string, args: readonly unknown[]] {
  return packet.slice(packet[0] === CALL ? 2 : 1) as unknown as ReturnType<typeof addressed>;
}
