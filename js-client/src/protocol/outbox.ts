/**
 * What waits for the peer and what it has not acked yet: one queue in, one door out.
 *
 * Packets get their number when they leave through `run`; a numbered packet is kept until it is acked and is sent
 * again, the same bytes under the same number, after `rewind`. The window of contract rule 8 holds events back;
 * replies and the like may overtake only those. Nothing is ever dropped from the middle.
 */
import type { Bounds } from "./inbox.js";
import { isFlow, type Kind, type Packet } from "./packets.js";

// Volatile packets: how long one may wait, and how many bytes of them may (contract rule 9, wire.md).
const STALE = 0.25;
const VOLATILE_SIZE = 64 << 10;

/** Never held back by the window; may overtake the events that are. */
const URGENT: readonly Kind[] = ["reply", "failed", "cancel", "credit"];

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

/** A packet in the outbox, or at the gate of a namespace. */
export class Entry {
  readonly packet: Packet;
  readonly encoded: Encoded;
  readonly wishes: Wishes;
  readonly flow: boolean;
  /** 0 until it leaves. */
  number = 0;
  withdrawn = false;
  /** It waits at the gate of a namespace rather than in the outbox. */
  held = false;

  constructor(packet: Packet, encoded: Encoded, wishes: Wishes = {}) {
    this.packet = packet;
    this.encoded = encoded;
    this.wishes = wishes;
    this.flow = isFlow(packet.kind);
  }

  get deadline(): number {
    return this.wishes.deadline ?? Number.POSITIVE_INFINITY;
  }
}

/**
 * What one message may carry: the number of its first counted packet, how many are counted, and the bytes.
 *
 * `more` says that another run may follow.
 */
export interface Run {
  readonly number: number;
  readonly counted: number;
  readonly parts: Encoded[];
  readonly more: boolean;
}

/** The sending half of a session. */
export class Outbox {
  readonly bounds: Bounds;
  /** What the peer takes in unacked; it tells in Welcome. */
  window: Bounds = { packets: 256, size: 1 << 20 };
  /** Packets above the bound that only replies, cancels and leaves may use (contract rule 11). */
  readonly reserve: number;
  acked = 0;
  /** The number of the next packet to send, sent before or not. */
  cursor = 1;
  size = 0;
  overflowed = false;
  dirty = false;
  /** Volatile packets that were dropped. */
  dropped = 0;
  readonly #onDirty: () => void;
  #unacked: Entry[] = [];
  #flowPackets = 0;
  #flowSize = 0;
  #waiting: Entry[] = [];
  #volatile: { readonly stale: number; readonly encoded: Encoded }[] = [];
  #volatileSize = 0;

  /** `onDirty` is called once when there is something new to take. */
  constructor(bounds: Bounds, onDirty: () => void, reserve = 0) {
    this.bounds = bounds;
    this.reserve = reserve;
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

  /** Nothing waits and everything was acked. */
  get idle(): boolean {
    return !this.packets;
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
    const older = key === undefined ? undefined : this.#waiting.find((waiting) => waiting.wishes.key === key);
    if (older) this.withdraw(older);
    this.#waiting.push(entry);
    this.size += entry.encoded.length;
    if (this.size > this.bounds.size || this.packets > this.bounds.packets + this.reserve) this.overflowed = true;
    this.mark();
  }

  /** Queue a packet that is dropped rather than kept; false when it was dropped at once. */
  addVolatile(encoded: Encoded, now: number): boolean {
    if (this.above(0.5) || this.#volatileSize + encoded.length > VOLATILE_SIZE) {
      this.dropped++;
      return false;
    }
    this.#volatile.push({ stale: now + STALE, encoded });
    this.#volatileSize += encoded.length;
    this.mark();
    return true;
  }

  /** Take an unnumbered packet out again; false when it already has a number (it is then sent for sure). */
  withdraw(entry: Entry): boolean {
    const at = this.#waiting.indexOf(entry);
    if (at < 0) return false;
    this.#waiting.splice(at, 1);
    this.size -= entry.encoded.length;
    entry.withdrawn = true;
    return true;
  }

  /** Withdraw what has passed its deadline, and return it. */
  expire(now: number): Entry[] {
    return this.#waiting.filter((entry) => entry.deadline <= now).filter((entry) => this.withdraw(entry));
  }

  /** When to call `expire`. */
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
    const replaying = first <= this.numbered;
    const parts: Encoded[] = [];
    let left = room;
    for (;;) {
      const entry = replaying ? this.#unacked[this.cursor - this.acked - 1] : this.#next();
      if (!entry || (entry.encoded.length > left && parts.length)) {
        if (!entry && !replaying) this.#takeVolatile(now, parts, left);
        return { number: first, counted: this.cursor - first, parts, more: parts.length > 0 };
      }
      if (!replaying) this.#number(entry);
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
    for (const entry of this.#unacked.splice(0, number - this.acked)) {
      this.size -= entry.encoded.length;
      if (entry.flow) {
        this.#flowPackets--;
        this.#flowSize -= entry.encoded.length;
      }
    }
    this.acked = number;
    this.cursor = Math.max(this.cursor, number + 1);
    // The window may have opened.
    if (this.#waiting.length) this.mark();
  }

  /** A transport begins: send again from what the peer has not received (or what it acked, if that is more). */
  rewind(received: number): void {
    this.cursor = Math.max(received, this.acked) + 1;
  }

  /** The transport is gone: volatile packets are never kept. */
  dropVolatile(): void {
    this.dropped += this.#volatile.length;
    this.#volatile = [];
    this.#volatileSize = 0;
  }

  /** The session has ended: free everything. */
  close(): void {
    this.#waiting = [];
    this.#unacked = [];
    this.size = 0;
    this.dropVolatile();
  }

  // -- within --------------------------------------------------------------------------------------------------------

  /** The packet to number next: the front of the queue, or what may overtake it while the window holds it back. */
  #next(): Entry | undefined {
    const front = this.#waiting[0];
    // One packet is always allowed, however large, so that a small window cannot stop everything.
    const held =
      front?.flow &&
      this.#flowPackets &&
      (this.#flowPackets >= this.window.packets || this.#flowSize + front.encoded.length > this.window.size);
    return held ? this.#waiting.find((entry) => URGENT.includes(entry.packet.kind)) : front;
  }

  #number(entry: Entry): void {
    this.#waiting.splice(this.#waiting.indexOf(entry), 1);
    this.#unacked.push(entry);
    entry.number = this.numbered;
    if (entry.flow) {
      this.#flowPackets++;
      this.#flowSize += entry.encoded.length;
    }
  }

  /** Volatile packets go behind the counted ones, so that one never arrives before the join it follows. */
  #takeVolatile(now: number, parts: Encoded[], room: number): void {
    let left = room;
    for (let next = this.#volatile[0]; next; next = this.#volatile[0]) {
      const { length } = next.encoded;
      if (now > next.stale) {
        this.dropped++;
      } else if (length > left) {
        return;
      } else {
        left -= length;
        parts.push(next.encoded);
      }
      this.#volatile.shift();
      this.#volatileSize -= length;
    }
  }
}
