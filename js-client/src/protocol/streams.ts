/**
 * Streams of values within calls: who may send how many items, and what waits for its reader.
 *
 * Stream 0 of a call is its answer and flows from the callee; stream n stands in place of the n-th argument and flows
 * from the caller. Credit bounds a stream, and nothing else does: its items take effect on arrival, like replies.
 */
import type { Calls } from "./calls.js";
import { NEVER } from "./never.js";
import type { Entry } from "./outbox.js";
import { CREDIT, type Packet } from "./packets.js";

/** A reader lets its producer be so many items ahead, and the producer keeps within so many bytes of them. */
export const WINDOW = 32;
const AHEAD = 64 << 10;
// A reader that has taken all, and of that so much since it gave credit, gives credit: its producer may wait for that.
const COVER = AHEAD / 4;

/** The session that a stream is part of. */
interface Sending {
  readonly calls: Calls;
  send(packet: Packet): Entry;
}

/** One end of a stream; the reader's is what a loop reads. */
export class Flow<T = unknown> {
  /** No more of it comes, or is wanted. */
  over = false;
  /** Called when it is over. */
  onEnd = (): void => {};
  /** Of the answer to a call of ours: what was sent, and until when the answer may come. */
  entry?: Entry;
  until = NEVER;
  /** Why it is over, unless by itself. */
  failure: unknown;
  /** Whose it is: the id of our call, or the negative one of a call of the peer. */
  readonly owner: number;
  readonly stream: number;
  /** Up to which count items may come, or be sent. */
  limit: number;
  /** What is to be read, or of what was sent and is not covered by credit the sizes. */
  readonly waiting: unknown[] = [];
  readonly #session: Sending | undefined;
  // Credit is what was taken plus the window, which the first credit tells.
  #window: number;
  #count = 0;
  // Bytes that came since credit was given, rather too many than too few; or those of what is not covered by credit.
  #size = 0;
  #waiters: (() => void)[] = [];

  /** It is open as long as it is among the calls of its session. */
  constructor(session?: Sending, owner = 0, stream = 0, limit = NEVER) {
    session?.calls.add(this);
    this.#session = session;
    this.owner = owner;
    this.stream = stream;
    this.limit = this.#window = limit;
  }

  /** Tell the other end, unless its call is over, what is said of a call by its id; returns how many bytes that has. */
  say(type: number, ...fields: readonly unknown[]): number {
    const session = this.#session;
    if (!session?.calls.has(this)) return 0;
    return session.send([type, Math.abs(this.owner), ...fields] as unknown as Packet).encoded.length;
  }

  /** What comes, as long as somebody reads: leaving the loop ends it. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, undefined> {
    const { waiting } = this;
    try {
      for (;;) {
        while (waiting.length) {
          const item = waiting.shift() as T;
          this.#taken();
          yield item;
        }
        if (this.over) break;
        await this.changed();
      }
      if (this.failure !== undefined) throw this.failure;
    } finally {
      this.close();
    }
  }

  #taken(): void {
    const { length } = this.waiting;
    const taken = this.#count - length;
    const covers = !length && this.#size >= COVER;
    if (covers || this.limit - taken <= WINDOW / 2) {
      if (covers) this.#size = 0;
      this.limit = taken + WINDOW;
      this.say(CREDIT, this.stream, this.limit);
    }
  }

  /** Until something comes, may be sent, or ends. */
  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** Whether an item may be sent now; one is always allowed, however large. */
  get room(): boolean {
    return this.#count < this.limit && this.#size < AHEAD;
  }

  /** An item came, or was sent; false when nobody asked for so much. */
  put(item: unknown, size: number): boolean {
    if (this.over) return true;
    this.waiting.push(item);
    this.#size += size;
    this.wake();
    return ++this.#count <= this.limit;
  }

  /** The reader takes items up to `limit`; 0 says that it takes none any more. */
  grant(limit: number): void {
    if (!limit) this.close();
    this.#window ||= limit;
    this.limit = Math.max(this.limit, limit);
    const covered = this.limit - this.#window - this.#count + this.waiting.length;
    for (const size of this.waiting.splice(0, covered)) this.#size -= size as number;
    this.wake();
  }

  /** It is over, by itself or for a reason; only the first time counts. */
  close(failure?: unknown): void {
    if (this.over) return;
    this.over = true;
    this.failure = failure;
    this.onEnd();
    this.wake();
  }
}
