/** Calls under way to the peer: one outcome each, whatever comes first. */
import { CallAbandoned, type CallError, CallFailed, CallNotSent, CallTimeout } from "../errors.js";
import type { Entry } from "./outbox.js";
import type { Failed, Reply } from "./packets.js";

/** How a call ended: with a value, or with the error that it ended with. */
export type Outcome = { readonly value: unknown } | { readonly error: CallError };

/** One call under way. */
export interface Pending {
  readonly id: number;
  entry: Entry;
  readonly deadline: number;
  readonly settle: (outcome: Outcome) => void;
}

/** The calls of one session that wait for an answer. */
export class Calls {
  readonly #pending = new Map<number, Pending>();
  /** Answers that nobody waited for any more. */
  late = 0;

  get size(): number {
    return this.#pending.size;
  }

  /** When the next call expires. */
  get due(): number {
    return Math.min(...[...this.#pending.values()].map((pending) => pending.deadline));
  }

  [Symbol.iterator](): Iterator<Pending> {
    return [...this.#pending.values()][Symbol.iterator]();
  }

  /** Remember a call until it is answered, expires or is given up. */
  open(pending: Pending): void {
    this.#pending.set(pending.id, pending);
  }

  /** The peer answered. An answer that nobody waits for any more is dropped and counted. */
  answer(packet: Reply | Failed): void {
    const outcome =
      packet.kind === "reply"
        ? { value: packet.value }
        : { error: new CallFailed(packet.code, packet.message, packet.data) };
    if (!this.#settle(packet.id, outcome)) this.late++;
  }

  /** End one call with `error`, unless it had its outcome already. */
  giveUp(id: number, error: CallError): void {
    this.#settle(id, { error });
  }

  /** End the calls whose time is over, and return them: who had a number left wants a Cancel. */
  expire(now: number): Pending[] {
    const expired = [...this].filter((pending) => pending.deadline <= now);
    for (const { id, entry } of expired) {
      this.giveUp(
        id,
        entry.number
          ? new CallTimeout("nobody answered in time; the handler may still run")
          : new CallNotSent("the call's time was over before it could be sent; is the connection up?"),
      );
    }
    return expired;
  }

  /** The session ended: what left has an unknown outcome, what did not certainly never ran. */
  abandon(pending: Pending, reason: string): void {
    this.giveUp(pending.id, pending.entry.number ? new CallAbandoned(reason) : new CallNotSent(reason));
  }

  #settle(id: number, outcome: Outcome): boolean {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.settle(outcome);
    return pending !== undefined;
  }
}
