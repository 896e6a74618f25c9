/** Events that may be dropped: kept for a moment only, and never sent twice. */
import type { ClientSession } from "./client_session.js";
import type { Volatile } from "./packets.js";

// How long one may wait, and how many bytes of them may (contract rule 9, wire.md).
const STALE = 0.25;
const SIZE = 64 << 10;

type Encoded = Uint8Array<ArrayBuffer>;

/** What waits to leave soon, or never. An outbox has one once something volatile was emitted. */
export class Volatiles {
  #waiting: { readonly stale: number; readonly encoded: Encoded }[] = [];
  #size = 0;

  /** False when it was dropped at once. */
  add(encoded: Encoded, now: number): boolean {
    if (this.#size + encoded.length > SIZE) return false;
    this.#waiting.push({ stale: now + STALE, encoded });
    this.#size += encoded.length;
    return true;
  }

  /** Take what is not stale and fits into `room` bytes. */
  take(now: number, room: number): Encoded[] {
    const taken: Encoded[] = [];
    let left = room;
    for (let next = this.#waiting[0]; next; next = this.#waiting[0]) {
      const { length } = next.encoded;
      if (now <= next.stale) {
        if (length > left) break;
        left -= length;
        taken.push(next.encoded);
      }
      this.#waiting.shift();
      this.#size -= length;
    }
    return taken;
  }
}

/** Send it if it can leave soon, else drop it; false when it was dropped at once. */
export function emitVolatile(session: ClientSession, packet: Volatile, now: number): boolean {
  const { outbox } = session;
  if (!session.carried || !session.members.get(packet.namespace).open || outbox.above(0.5)) return false;
  outbox.volatiles ??= new Volatiles();
  const kept = outbox.volatiles.add(session.codec.encode(packet), now);
  outbox.mark();
  return kept;
}
