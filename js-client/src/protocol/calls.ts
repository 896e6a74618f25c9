/**
 * Calls under way, both ways: one outcome each, whatever comes first.
 *
 * A call is there as long as it is not over: as the end of its answer, and the ends of those arguments that are streams.
 */
import { CallAbandoned, type CallError, CallFailed, CallNotSent, CallTimeout } from "../errors.js";
import type { Entry } from "./outbox.js";
import { CREDIT, type Credit, type End, ITEM, type Item } from "./packets.js";
import type { Flow } from "./streams.js";

/** The end of the answer to a call of ours. */
export type Pending = Flow & { entry: Entry };

export class Calls extends Set<Flow> {
  /** Our own, as they are now. */
  get ours(): Pending[] {
    return [...this].filter(({ entry }) => entry) as Pending[];
  }

  /** When the next call expires. */
  get due(): number {
    return Math.min(...this.ours.map((pending) => pending.until));
  }

  /** A packet about a stream came, in a message of `size` bytes; false when the peer sent more than it may. */
  receive(packet: Item | End | Credit, size: number): boolean {
    const [type, id, stream] = packet;
    // Stream 0 flows from who is called, the others from who calls, and credit against the stream.
    const owner = !stream === (type === CREDIT) ? -id : id;
    const flow = [...this].find((open) => open.owner === owner && open.stream === stream);
    if (packet[0] === ITEM) return !flow || flow.put(packet[3], size);
    if (packet[0] === CREDIT) flow?.grant(packet[3]);
    else if (!stream) this.settle(id, failed(packet));
    else if (flow) this.#close(flow, failed(packet));
    return true;
  }

  /** A call is over: its readers are told, and its producers have no reader any more. */
  close(owner: number, failure?: unknown): void {
    for (const flow of this) if (flow.owner === owner) this.#close(flow, failure);
  }

  #close(flow: Flow, failure: unknown): void {
    this.delete(flow);
    flow.close(failure);
  }

  /** End one call and return it, unless it had its outcome already: with `error` if there is one, else with `value`. */
  settle(id: number, error?: unknown, value?: unknown): Pending | undefined {
    const pending = this.ours.find(({ owner }) => owner === id);
    // Where the answer is no stream, it is the only item.
    if (error === undefined && !pending?.limit) pending?.waiting.push(value);
    this.close(id, error);
    return pending;
  }

  /** End the calls whose time is over, and return them: who had a number left wants a Cancel. */
  expire(now: number): Pending[] {
    const expired = this.ours.filter((pending) => pending.until <= now);
    for (const pending of expired) this.abandon(pending, "time is over", CallTimeout);
    return expired;
  }

  /** Nobody waits any more: the outcome of what left is `Unknown`, what did not certainly never ran. */
  abandon({ owner, entry }: Pending, reason: string, Unknown: typeof CallError = CallAbandoned): void {
    // It left if it has a number, or had one in a session that was lost.
    const left = entry.number || entry.redelivered;
    this.settle(owner, new (left ? Unknown : CallNotSent)(reason));
  }
}

/** What an End tells: nothing, or why the stream broke off, as in Failed. */
export function failed([, , , error]: End): CallFailed | undefined {
  return error ? new CallFailed(...error) : undefined;
}
