/** Streams of the application: what it hands over as one is sent item by item, and what went wrong is told. */
import type { Report } from "./emitter.js";
import { CallFailed, OutboxFull } from "./errors.js";
import { END, ITEM } from "./protocol/packets.js";
import type { Session } from "./protocol/session.js";
import type { Flow } from "./protocol/streams.js";

/** Whether a value travels as a stream. */
export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return !!(value as Partial<AsyncIterable<unknown>> | null | undefined)?.[Symbol.asyncIterator];
}

/**
 * Send what `source` yields, and its end, as far as its reader takes it: nothing before that is asked for.
 *
 * What has begun is closed when nobody reads any more.
 */
export async function produce(
  session: Session,
  report: Report,
  flow: Flow,
  source: AsyncIterable<unknown>,
): Promise<void> {
  const ready = async () => {
    while (!flow.over && (!flow.room || session.outbox.above(0.5))) await flow.changed();
    if (flow.over) throw new CallFailed("cancelled");
  };
  try {
    await ready();
    for await (const value of source) {
      const size = flow.say(ITEM, flow.stream, value);
      flow.put(size, size);
      await ready();
    }
    flow.say(END, flow.stream, null);
  } catch (error) {
    flow.say(END, flow.stream, told(report, flow, error));
  }
}

/** What the other side is told of an error as code, message and data: that there was one, unless who threw it says more. */
export function told(report: Report, { over }: Flow, error: unknown): [string, string, unknown] {
  // Whatever was made of that.
  if (over) return ["cancelled", "", null];
  if (error instanceof CallFailed) return [error.code, error.message, error.data];
  report(error);
  return [error instanceof OutboxFull ? "too_large" : "error", "the handler failed", null];
}
