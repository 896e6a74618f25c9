/**
 * Calls under way, both ways: one outcome each, whatever comes first.
 *
 * A call is there as long as it is not over: as the end of its answer, and the ends of those arguments that are streams.
 */
import { CallAbandoned, type CallError, CallFailed, CallNotSent, CallTimeout } from "../errors.js";
import type { Entry } from "./outbox.js";
import type { Credit, End, Item } from "./packets.js";
import type { Flow } from "./streams.js";

/** The end of the answer to a call of ours. */
export type Pending = Flow & { entry: Entry };

export class Calls extends Set<Flow> {
  /** Our own, as they are now. */
  get all(): Pending[] {
    return [...this].filter(({ entry }) => entry) as Pending[];
  }

  /** When the next call expires. */
  get due(): number {
    return Math.min(...this.all.map((pending) => pending.deadline));
  }

  /** A packet about a stream came, in a message of `size` bytes; false when the peer sent more than it may. */
  receive(packet: Item | End | Credit, size: number): boolean {
    const { id, stream } = packet;
    // Stream 0 flows from who is called, the others from who calls, and credit against the stream.
    const owner = !stream === (packet.kind === "credit") ? -id : id;
    const flow = [...this].find((open) => open.owner === owner && open.stream === stream);
    if (packet.kind === "item") return !flow || flow.put(packet.value, size);
    if (packet.kind === "credit") flow?.grant(packet.limit);
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
    const pending = this.all.find(({ owner }) => owner === id);
    // Where the answer is no stream, it is the only item.
    if (error === undefined && !pending?.limit) pending?.waiting.push(value);
    this.close(id, error);
    return pending;
  }

  /** End the calls whose time is over, and return them: who had a number left wants a Cancel. */
  expire(now: number): Pending[] {
    const expired = this.all.filter((pending) => pending.deadline <= now);
    for (const pending of expired) this.abandon(pending, "time is over", CallTimeout);
    return expired;
  }

  /** Nobody waits any more: the outcome of what left is `Unknown`, what did not certainly never ran. */
  abandon({ owner, entry }: Pending, reason: string, Unknown: typeof CallError = CallAbandoned): void {
    // It left if it has a number, or had one in a session that was lost.
    const left = entry.number || "redelivered" in entry.packet;
    this.settle(owner, new (left ? Unknown : CallNotSent)(reason));
  }
}

/** What an End tells: nothing, or why the stream broke off, as in Failed. */
export function failed({ error }: End): CallFailed | undefined {
  return error ? new CallFailed(...error) : undefined;
}
