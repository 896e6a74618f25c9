/**
 * What waits for the peer and what it has not acked yet: one queue in, one door out.
 *
 * Packets get their number when they leave through `run`; a numbered packet is kept until it is acked and is sent
 * again, the same bytes under the same number, after `rewind`. The window of contract rule 8 holds events back;
 * replies and the like may overtake only those. Nothing is ever dropped from the middle.
 */
import { sizeOf } from "./codec.js";
import { NEVER } from "./never.js";
import { isFlow, isUrgent, type Packet, VOLATILE } from "./packets.js";

// Replies, cancels and leaves may pass the bound by so many (contract rule 11), and by a quarter of the bytes.
const RESERVE = 128;

/** How much may be kept. */
export interface Bounds {
  readonly packets: number;
  readonly size: number;
}

type Encoded = Uint8Array<ArrayBuffer>;

/** What may be asked for a packet. */
export interface Wishes {
  /** When it is withdrawn unless it has a number by then. */
  readonly until?: number;
  /** It replaces the unsent older packet of the same key. */
  readonly key?: string | false;
  /** It is sent again after a lost session, marked redelivered. */
  readonly repeatable?: boolean | undefined;
}

/** A packet in the outbox. */
export class Entry {
  readonly packet: Packet;
  readonly encoded: Encoded;
  readonly wishes: Wishes;
  readonly flow: boolean;
  /** 0 until it leaves. */
  number = 0;
  /** Whether it had a number in a session that was lost, and may have run. */
  redelivered = false;
  /** The namespace at whose shut gate it waits, and others do not wait behind it. */
  gate: string | null = null;

  constructor(packet: Packet, encoded: Encoded, wishes: Wishes = {}) {
    this.packet = packet;
    this.encoded = encoded;
    this.wishes = wishes;
    this.flow = isFlow(packet[0]);
  }

  get until(): number {
    return this.wishes.until ?? NEVER;
  }
}

/** How many bytes they have together. */
export function sizeOfAll(entries: readonly Entry[]): number {
  return sizeOf(entries.map((entry) => entry.encoded));
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
  /** The highest number given so far. */
  numbered = 0;
  /** The number of the next packet to send, sent before or not. */
  cursor = 1;
  dirty = false;
  readonly #onDirty: () => void;
  /** By their numbers, in order. */
  readonly #unacked = new Map<number, Entry>();
  #waiting: Entry[] = [];
  #arrived = 0;

  /** `onDirty` is called once when there is something new to take. */
  constructor(bounds: Bounds, onDirty: () => void) {
    this.bounds = bounds;
    this.#onDirty = onDirty;
  }

  // -- what stands where ---------------------------------------------------------------------------------------------

  /** How many packets are kept: waiting plus unacked. */
  get packets(): number {
    return this.#unacked.size + this.#waiting.length;
  }

  /** How many bytes they have. */
  get size(): number {
    return sizeOfAll(this.entries);
  }

  /** Whether a bound is passed, so that the session cannot go on. */
  get overflowed(): boolean {
    return this.size > this.bounds.size * 1.25 || this.packets > this.bounds.packets + RESERVE;
  }

  /** Nothing waits, but at shut gates, and everything was acked. */
  get idle(): boolean {
    return !this.#unacked.size && !this.#front;
  }

  get #front(): Entry | undefined {
    return this.#waiting.find((entry) => entry.gate === null);
  }

  /** Everything kept, in order: numbered ones first. */
  get entries(): Entry[] {
    return [...this.#unacked.values(), ...this.#waiting];
  }

  /** Whether more than `share` of either bound is in use. */
  above(share: number): boolean {
    return this.size > this.bounds.size * share || this.packets > this.bounds.packets * share;
  }

  // -- in ------------------------------------------------------------------------------------------------------------

  /** Queue a packet behind everything before it. */
  add(entry: Entry): void {
    this.#waiting.push(entry);
    this.mark();
  }

  /** Take out again what has no number yet, and return it; what has one is sent for sure. */
  withdraw(which: (entry: Entry) => boolean): Entry[] {
    const withdrawn = this.#waiting.filter(which);
    this.#waiting = this.#waiting.filter((entry) => !which(entry));
    if (withdrawn.length) this.mark();
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
    return Math.min(...this.#waiting.map((entry) => entry.until));
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
  run(room: number): Run {
    const first = this.cursor;
    const parts: Encoded[] = [];
    let left = room;
    for (;;) {
      const entry = this.#unacked.get(this.cursor) ?? this.#next();
      if (!entry || (entry.encoded.length > left && parts.length)) {
        return { number: first, counted: this.cursor - first, parts };
      }
      if (!entry.number) this.#waiting.splice(this.#waiting.indexOf(entry), 1);
      // What is volatile is not counted, and not kept.
      if (entry.packet[0] !== VOLATILE) {
        entry.number ||= ++this.numbered;
        this.#unacked.set(entry.number, entry);
        this.cursor++;
      }
      parts.push(entry.encoded);
      left -= entry.encoded.length;
    }
  }

  /**
   * The peer handed over everything up to `handed`, so it is kept no longer, and received everything up to `received`.
   *
   * Of that, what takes effect on arrival is not kept either: items of a stream would fill the outbox for as long as an
   * event before them waits for its handler. Never called with a number above `numbered`: the session has checked it.
   */
  ack(handed: number, received = handed): void {
    for (const [number, { packet }] of this.#unacked) {
      if (number <= handed || (number <= received && isUrgent(packet[0]))) this.#unacked.delete(number);
    }
    this.acked = Math.max(this.acked, handed);
    this.#arrived = Math.max(this.#arrived, received);
    this.cursor = Math.max(this.cursor, this.#arrived + 1);
    // The window may have opened, there may be room for streams, and a goodbye waits for exactly this.
    this.mark();
  }

  /** A transport begins: send again from what the peer has not received (or what it said to have, if that is more). */
  rewind(received: number): void {
    this.cursor = Math.max(received, this.#arrived) + 1;
  }

  // -- within --------------------------------------------------------------------------------------------------------

  /** The packet to number next: the front of the queue, or what may overtake it while the window holds it back. */
  #next(): Entry | undefined {
    const front = this.#front;
    const held = front?.flow && this.#holds(front.encoded.length);
    return held ? this.#waiting.find((entry) => isUrgent(entry.packet[0])) : front;
  }

  /** Whether the window has no place for `more` bytes. */
  #holds(more: number): boolean {
    const { packets, size } = this.window;
    const flow = [...this.#unacked.values()].filter((entry) => entry.flow);
    // One packet is always allowed, however large, so that a small window cannot stop everything.
    return flow.length > 0 && (flow.length >= packets || sizeOfAll(flow) + more > size);
  }
}
