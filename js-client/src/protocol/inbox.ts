/**
 * What has arrived: counted in, kept until it is handed over, and acked up to there.
 *
 * `received` counts what came in without a gap; `handed` what was handed over in the same order, which is what an ack
 * says (contract rule 7).
 */
import type { Message } from "./codec.js";
import { isFlow, type Kind, type Packet } from "./packets.js";
import { isCounted } from "./spelling.js";

/** What this side takes in unacked (contract rule 8). */
export interface Bounds {
  readonly packets: number;
  readonly size: number;
}

// An ack is due at the latest after so many packets, bytes or seconds (contract rule 7).
const ACK_PACKETS = 32;
const ACK_SIZE = 64 << 10;
const ACK_DELAY = 5;

/** They take effect as they arrive; every other counted packet is handed over in order. */
const AT_ONCE: readonly Kind[] = ["reply", "failed", "cancel", "credit", "renew"];

interface Waiting {
  readonly number: number;
  readonly packet: Packet;
  readonly size: number;
}

/** The receiving half of a session. */
export class Inbox {
  received = 0;
  handed = 0;
  /** The last `handed` that the peer was told. */
  told = 0;
  /** When an ack has to leave. */
  due = Number.POSITIVE_INFINITY;
  duplicates = 0;
  flooded = false;
  readonly bounds: Bounds;
  readonly #onPressing: () => void;
  readonly #waiting: Waiting[] = [];
  #waitingFlow = 0;
  #waitingSize = 0;
  #owedSize = 0;

  /** `onPressing` is called when an ack should leave rather than wait for a ride. */
  constructor(bounds: Bounds, onPressing: () => void) {
    this.bounds = bounds;
    this.#onPressing = onPressing;
  }

  /** Whether the peer has not been told everything. */
  get owes(): boolean {
    return this.handed > this.told;
  }

  /**
   * Count a message in, keep what is to be handed over, and return what takes effect at once.
   *
   * The message must not leave a gap. What was received before is only counted.
   */
  accept({ number, counted, packets }: Message, size: number, now: number): Packet[] {
    let repeated = counted ? Math.min(this.received - number + 1, counted) : 0;
    if (repeated > 0) this.duplicates += repeated;
    if (counted && this.due === Number.POSITIVE_INFINITY) this.due = now + ACK_DELAY;
    const share = Math.floor(size / packets.length);
    const atOnce: Packet[] = [];
    for (const packet of packets) {
      const { kind } = packet;
      if (isCounted(kind)) {
        if (repeated-- > 0) continue;
        this.received++;
        if (AT_ONCE.includes(kind)) {
          atOnce.push(packet);
        } else {
          this.#waiting.push({ number: this.received, packet, size: share });
          this.#waitingSize += share;
          if (isFlow(kind)) this.#waitingFlow++;
        }
      } else if (kind !== "volatile") {
        atOnce.push(packet);
      } else if (this.#waiting.length < this.bounds.packets) {
        // It has no number of its own: whatever came before it counts as handed over when it is its turn.
        this.#waiting.push({ number: this.received + 1, packet, size: 0 });
      }
    }
    this.#owedSize += size;
    if (!this.#waiting.length) this.handed = this.received;
    this.#press();
    // Packets are counted exactly. A packet's bytes are known only as its share of a message, so twice the bound is
    // allowed there: it bounds memory and accuses nobody who kept to the rule (contract rule 8).
    const { bounds } = this;
    this.flooded = this.#waitingFlow > bounds.packets || this.#waitingSize > 2 * bounds.size + (1 << 20);
    return atOnce;
  }

  /** The next packet in order, from now on acked; undefined when nothing waits. */
  handOver(): Packet | undefined {
    const next = this.#waiting.shift();
    if (next) {
      this.#waitingSize -= next.size;
      if (isFlow(next.packet.kind)) this.#waitingFlow--;
      this.handed = this.#waiting[0] ? this.#waiting[0].number - 1 : this.received;
      this.#press();
    }
    return next?.packet;
  }

  /** The peer has just been told `handed` and `received`. */
  acked(now: number): void {
    this.told = this.handed;
    this.#owedSize = 0;
    this.due = this.#waiting.length ? now + ACK_DELAY : Number.POSITIVE_INFINITY;
  }

  #press(): void {
    if (this.handed - this.told >= ACK_PACKETS || (this.#owedSize >= ACK_SIZE && this.owes)) this.#onPressing();
  }
}
