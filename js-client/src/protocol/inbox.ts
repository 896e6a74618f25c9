/**
 * What has arrived: counted in, and acked.
 *
 * A packet is handed over in the moment in which it is received, so what an ack says, "handed over up to here", is what
 * was received (contract rule 7), and nothing ever waits here.
 */
import type { Message } from "./codec.js";
import { NEVER } from "./never.js";
import { isCounted, type Packet } from "./packets.js";

// An ack is due at the latest after so many packets, bytes or seconds (contract rule 7).
const ACK_PACKETS = 32;
const ACK_SIZE = 64 << 10;
const ACK_DELAY = 5;

/** The receiving half of a session. */
export class Inbox {
  received = 0;
  /** When an ack has to leave. */
  due = NEVER;
  /** How far the peer was told. */
  told = 0;
  #owedSize = 0;

  /** Whether the peer has not been told everything. */
  get owes(): boolean {
    return this.received > this.told;
  }

  /** Whether an ack should leave rather than wait for a ride. */
  get presses(): boolean {
    return this.owes && (this.received - this.told >= ACK_PACKETS || this.#owedSize >= ACK_SIZE);
  }

  /** Count a message in, which must not leave a gap; returns what of it was not received before. */
  accept({ number, counted, packets }: Message, size: number, now: number): Packet[] {
    let repeated = this.received - number + 1;
    if (counted) {
      this.received = Math.max(this.received, number + counted - 1);
      this.due = Math.min(this.due, now + ACK_DELAY);
    }
    this.#owedSize += size;
    return packets.filter(([type]) => !isCounted(type) || repeated-- <= 0);
  }

  /** The peer has just been told. */
  acked(): void {
    this.told = this.received;
    this.#owedSize = 0;
    this.due = NEVER;
  }
}
