/**
 * What waits for the peer and what it has not acked yet: one queue in, one door out.
 *
 * Packets get their number when they leave through `run`; a numbered packet is kept until it is acked and is sent
 * again, the same bytes under the same number, after `rewind`. The window of contract rule 8 holds events back;
 * replies and the like may overtake only those. Nothing is ever dropped from the middle.
 */
import { sizeOf } from "./codec.js";
import { NEVER } from "./never.js";
import { isFlow, type Kind, type Packet } from "./packets.js";
import type { Volatiles } from "./volatile.js";

// Replies, cancels and leaves may pass the bound by so many (contract rule 11), and by a quarter of the bytes.
const RESERVE = 128;

/** Never held back by the window; may overtake the events that are. */
const URGENT: readonly Kind[] = ["reply", "failed", "cancel", "credit"];

/** How much may be kept. */
export interface Bounds {
  readonly packets: number;
  readonly size: number;
}

type Encoded = Uint8Array<ArrayBuffer>;

/** What may be asked for a packet. */
export interface Wishes {
  /** When it is withdrawn unless it has a number by then. */
  readonly deadline?: number;
  /** It replaces the unsent older packet of the same key. */
  readonly key?: string;
  /** It is sent again after a lost session, marked redelivered. */
  readonly repeatable?: boolean;
}

/** A packet in the outbox. */
export class Entry {
  readonly packet: Packet;
  readonly encoded: Encoded;
  readonly wishes: Wishes;
  readonly flow: boolean;
  /** 0 until it leaves. */
  number = 0;
  /** The namespace at whose shut gate it waits, and others do not wait behind it. */
  gate: string | null = null;

  constructor(packet: Packet, encoded: Encoded, wishes: Wishes = {}) {
    this.packet = packet;
    this.encoded = encoded;
    this.wishes = wishes;
    this.flow = isFlow(packet.kind);
  }

  get deadline(): number {
    return this.wishes.deadline ?? NEVER;
  }
}

/** What one message may carry: the number of its first counted packet, how many are counted, and the bytes. */
export interface Run {
  readonly number: number;
  readonly counted: number;
  readonly parts: Encoded[];
}

/** The sending half of a session. */
export class Outbox {
  readonly bounds: Bounds;
  /** What the peer takes in unacked; it tells in Welcome. */
  window: Bounds = { packets: 256, size: 1 << 20 };
  acked = 0;
  /** The number of the next packet to send, sent before or not. */
  cursor = 1;
  dirty = false;
  /** What may be dropped; gone with its transport. */
  volatiles: Volatiles | null = null;
  readonly #onDirty: () => void;
  #unacked: Entry[] = [];
  #waiting: Entry[] = [];

  /** `onDirty` is called once when there is something new to take. */
  constructor(bounds: Bounds, onDirty: () => void) {
    this.bounds = bounds;
    this.#onDirty = onDirty;
  }

  // -- what stands where ---------------------------------------------------------------------------------------------

  /** The highest number given so far. */
  get numbered(): number {
    return this.acked + this.#unacked.length;
  }

  /** How many packets are kept: waiting plus unacked. */
  get packets(): number {
    return this.#unacked.length + this.#waiting.length;
  }

  /** How many bytes they have. */
  get size(): number {
    return sizeOf(this.entries.map((entry) => entry.encoded));
  }

  /** Whether a bound is passed, so that the session cannot go on. */
  get overflowed(): boolean {
    return this.size > this.bounds.size * 1.25 || this.packets > this.bounds.packets + RESERVE;
  }

  /** Nothing waits, but at shut gates, and everything was acked. */
  get idle(): boolean {
    return !this.#unacked.length && !this.#front;
  }

  get #front(): Entry | undefined {
    return this.#waiting.find((entry) => entry.gate === null);
  }

  /** Everything kept, in order: numbered ones first. */
  get entries(): Entry[] {
    return [...this.#unacked, ...this.#waiting];
  }

  /** Whether more than `share` of either bound is in use. */
  above(share: number): boolean {
    return this.size > this.bounds.size * share || this.packets > this.bounds.packets * share;
  }

  // -- in ------------------------------------------------------------------------------------------------------------

  /** Queue a packet behind everything before it; with a key it replaces the unsent older one. */
  add(entry: Entry): void {
    const { key } = entry.wishes;
    if (key !== undefined) this.withdraw((older) => older.wishes.key === key);
    this.#waiting.push(entry);
    this.mark();
  }

  /** Take out again what has no number yet, and return it; what has one is sent for sure. */
  withdraw(which: (entry: Entry) => boolean): Entry[] {
    const withdrawn = this.#waiting.filter(which);
    this.#waiting = this.#waiting.filter((entry) => !which(entry));
    return withdrawn;
  }

  /** The gate of a namespace opens: what waited there may go. */
  open(gate: string): void {
    for (const entry of this.#waiting) {
      if (entry.gate === gate) entry.gate = null;
    }
    this.mark();
  }

  /** When the first packet without a number passes its deadline. */
  get due(): number {
    return Math.min(...this.#waiting.map((entry) => entry.deadline));
  }

  /** Say that there is something to take, once until `dirty` is set back by who takes it. */
  mark(): void {
    if (!this.dirty) {
      this.dirty = true;
      this.#onDirty();
    }
  }

  // -- out -----------------------------------------------------------------------------------------------------------

  /**
   * Number what may leave now, keep it until it is acked, and return it: at most `room` bytes, or one packet.
   *
   * First what the peer has not received of the numbered packets, then what waits, as far as the window allows.
   */
  run(now: number, room: number): Run {
    const first = this.cursor;
    const parts: Encoded[] = [];
    let left = room;
    for (;;) {
      const entry = this.#unacked[this.cursor - this.acked - 1] ?? this.#next();
      // Volatile packets go behind the counted ones, so that none arrives before the join it follows.
      if (!entry && this.volatiles && !this.#front) parts.push(...this.volatiles.take(now, left));
      if (!entry || (entry.encoded.length > left && parts.length)) {
        return { number: first, counted: this.cursor - first, parts };
      }
      if (!entry.number) {
        this.#waiting.splice(this.#waiting.indexOf(entry), 1);
        this.#unacked.push(entry);
        entry.number = this.numbered;
      }
      this.cursor++;
      parts.push(entry.encoded);
      left -= entry.encoded.length;
    }
  }

  /**
   * The peer handed over everything up to `number`, so it is kept no longer. A lower one than before is ignored.
   *
   * Never called with a number above `numbered`: the session has checked it.
   */
  ack(number: number): void {
    if (number <= this.acked) return;
    this.#unacked.splice(0, number - this.acked);
    this.acked = number;
    this.cursor = Math.max(this.cursor, number + 1);
    // The window may have opened.
    if (this.#waiting.length) this.mark();
  }

  /** A transport begins: send again from what the peer has not received (or what it acked, if that is more). */
  rewind(received: number): void {
    this.cursor = Math.max(received, this.acked) + 1;
  }

  // -- within --------------------------------------------------------------------------------------------------------

  /** The packet to number next: the front of the queue, or what may overtake it while the window holds it back. */
  #next(): Entry | undefined {
    const { packets, size } = this.window;
    const front = this.#front;
    const flow = this.#unacked.filter((entry) => entry.flow).map((entry) => entry.encoded);
    // One packet is always allowed, however large, so that a small window cannot stop everything.
    const held = front?.flow && flow.length && (flow.length >= packets || sizeOf(flow) + front.encoded.length > size);
    return held ? this.#waiting.find((entry) => URGENT.includes(entry.packet.kind)) : front;
  }
}
