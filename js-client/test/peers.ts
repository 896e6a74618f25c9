/** The other ends of a client in tests: what a server says, and a network and clock that do as they are told. */
import type { Port } from "../src/connector.js";
import type { Clock } from "../src/platform/clock.js";
import type { Lifecycle, Moment } from "../src/platform/lifecycle.js";
import type { Random } from "../src/platform/random.js";
import { ClientSession } from "../src/protocol/client_session.js";
import type { Data, Message } from "../src/protocol/codec.js";
import { MsgpackCodec } from "../src/protocol/forms.js";
import type { Wishes } from "../src/protocol/outbox.js";
import {
  CALL,
  type Call,
  EVENT,
  type Event,
  isCounted,
  type Packet,
  type WelcomeFields,
} from "../src/protocol/packets.js";
import type { Socket } from "../src/transports/websocket.js";
import { packet, type Recorded, record } from "./records.js";

export const codec = new MsgpackCodec();
export const KEY = "k".repeat(43);

/** One message of the server, its first counted packet numbered `number`. */
export function message(number: number, ...said: (Packet | Recorded)[]): Data {
  const packets = said.map((each) => ("kind" in each ? packet(each) : each));
  const counted = packets.filter(([type]) => isCounted(type)).length;
  return codec.pack(
    number,
    counted,
    packets.map((each) => codec.encode(each)),
  );
}

export function event(value: unknown, namespace = "/"): Event {
  return [EVENT, namespace, "said", [value]];
}

export function call(id: number, namespace = "/"): Call {
  return [CALL, id, namespace, "ask", []];
}

export function welcome(changes: Partial<WelcomeFields> = {}): WelcomeFields & Recorded {
  return { kind: "welcome", epoch: "e1", sid: "s1", received: 0, next: 1, resumed: false, ...changes };
}

export function packetsOf(messages: readonly Data[]): Recorded[] {
  return messages.flatMap((data) => codec.decode(data).packets.map(record));
}

/** The first arguments of all events in these messages. */
export function said(messages: readonly Data[]): unknown[] {
  return packetsOf(messages).flatMap((packet) => (packet.kind === "event" ? [(packet.args as unknown[])[0]] : []));
}

export interface Opened {
  readonly session: ClientSession;
  readonly delivered: Recorded[];
}

export function openSession(outbox = { packets: 1024, size: 4 << 20 }): Opened {
  const delivered: Recorded[] = [];
  const session = new ClientSession(KEY, {
    codec,
    outbox,
    wake: () => {},
    deliver: (packet) => delivered.push(record(packet)),
  });
  return { session, delivered };
}

/** A session that is attached and joined to "/", with its gate open and nothing under way. */
export function joinedSession(outbox?: { packets: number; size: number }): Opened {
  const opened = openSession(outbox);
  const { session } = opened;
  const member = session.member("/");
  session.join(member);
  session.greet();
  session.welcomed(welcome(), 0);
  session.receive(message(1, { kind: "joined", namespace: "/", socket: "x" }), 0);
  session.joined(member, "x");
  session.open(member);
  session.take(0);
  opened.delivered.length = 0;
  return opened;
}

/** Call, and be told the one outcome. */
export function emitCall(
  session: ClientSession,
  packet: Call,
  settle: (error: unknown, value: unknown) => void,
  ...options: [deadline: number, wishes?: Wishes]
): void {
  const answer = session.emitCall(packet, ...options);
  answer.onEnd = () => settle(answer.failure, answer.waiting[0]);
}

/** Time passes when `advance` says so. */
export class ManualClock implements Clock {
  time = 1000;
  readonly #timers = new Set<{ readonly at: number; readonly task: () => void }>();

  now(): number {
    return this.time;
  }

  after(seconds: number, task: () => void): () => void {
    const timer = { at: this.time + seconds, task };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get pending(): number {
    return this.#timers.size;
  }

  /** Let so many seconds pass, with everything that falls due in them. */
  async advance(seconds: number): Promise<void> {
    const end = this.time + seconds;
    for (;;) {
      await settled();
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next);
      this.time = Math.max(this.time, next.at);
      next.task();
    }
    this.time = end;
    await settled();
  }
}

/** Let all promises that can go on do so. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

/** Half of every wait, and a known key. */
export class FixedRandom implements Random {
  number(): number {
    return 0.5;
  }

  key(): string {
    return KEY;
  }
}

export class FakePage implements Lifecycle {
  readonly beacons: [url: string, text: string][] = [];
  listener: ((moment: Moment) => void) | null = null;

  listen(listener: (moment: Moment) => void): () => void {
    this.listener = listener;
    return () => {
      this.listener = null;
    };
  }

  beacon(url: string, text: string): void {
    this.beacons.push([url, text]);
  }
}

/** A port that keeps what is written. */
export class FakePort implements Port {
  readonly single = false;
  readonly pings = true;
  congested = false;
  closed = false;
  readonly written: Data[] = [];

  write(data: Data): void {
    this.written.push(data);
  }

  close(): void {
    this.closed = true;
  }

  get packets(): Recorded[] {
    return packetsOf(this.written);
  }
}

/** A WebSocket whose server is the test. */
export class FakeSocket implements Socket {
  static all: FakeSocket[] = [];
  binaryType = "blob";
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { readonly data: never }) => void) | null = null;
  onerror: ((event: never) => void) | null = null;
  onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null = null;
  closed = false;
  readonly url: string;
  readonly sent: Data[] = [];

  constructor(url: string) {
    this.url = url;
    FakeSocket.all.push(this);
  }

  static get last(): FakeSocket {
    const socket = FakeSocket.all.at(-1);
    if (!socket) throw new Error("no WebSocket was made");
    return socket;
  }

  send(data: Data): void {
    this.sent.push(data);
  }

  close(): void {
    this.closed = true;
  }

  get packets(): Recorded[] {
    return packetsOf(this.sent);
  }

  get messages(): Message[] {
    return this.sent.map((data) => codec.decode(data));
  }

  async open(): Promise<void> {
    // No network is faster than promises.
    await settled();
    this.onopen?.({} as never);
    await settled();
  }

  async say(data: Data): Promise<void> {
    const { buffer, byteOffset, byteLength } = data as Uint8Array<ArrayBuffer>;
    this.onmessage?.({ data: buffer.slice(byteOffset, byteOffset + byteLength) as never });
    await settled();
  }

  async cut(code = 1006, reason = ""): Promise<void> {
    this.onclose?.({ code, reason });
    await settled();
  }
}
