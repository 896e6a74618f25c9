/** Calls under way to the peer: one outcome each, whatever comes first. */
import { CallAbandoned, type CallError, CallNotSent, CallTimeout } from "../errors.js";
import type { Entry } from "./outbox.js";

/** How a call ended: with an error unless that is null, else with the value. */
export type Settle = (error: CallError | null, value?: unknown) => void;

/** One call under way. */
export interface Pending {
  readonly id: number;
  entry: Entry;
  /** In seconds. */
  readonly deadline: number;
  readonly settle: Settle;
}

/** Whether it may have run: it has a number, or had one in a session that was lost. */
function hasLeft({ entry }: Pending): boolean {
  return entry.number > 0 || "redelivered" in entry.packet;
}

/** The calls of one session that wait for an answer. */
export class Calls {
  readonly #pending = new Map<number, Pending>();

  /** All of them, as they are now. */
  get all(): Pending[] {
    return [...this.#pending.values()];
  }

  /** When the next call expires. */
  get due(): number {
    return Math.min(...this.all.map((pending) => pending.deadline));
  }

  /** Remember a call until it is answered, expires or is given up. */
  open(pending: Pending): void {
    this.#pending.set(pending.id, pending);
  }

  /** End one call, unless it had its outcome already: with `error` if there is one, else with `value`. */
  settle(id: number, error: CallError | null, value?: unknown): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.settle(error, value);
  }

  /** End the calls whose time is over, and return them: who had a number left wants a Cancel. */
  expire(now: number): Pending[] {
    const expired = this.all.filter((pending) => pending.deadline <= now);
    for (const pending of expired) {
      this.settle(
        pending.id,
        hasLeft(pending) ? new CallTimeout("no answer in time") : new CallNotSent("not sent in time"),
      );
    }
    return expired;
  }

  /** The session ended: what left has an unknown outcome, what did not certainly never ran. */
  abandon(pending: Pending, reason: string): void {
    this.settle(pending.id, hasLeft(pending) ? new CallAbandoned(reason) : new CallNotSent(reason));
  }
}
