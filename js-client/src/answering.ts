/** A call of the server while it is being answered. */
import type { Listeners } from "./emitter.js";
import { CallError, CallFailed } from "./errors.js";
import { type Call, CREDIT, FAILED, REPLY } from "./protocol/packets.js";
import { Flow, WINDOW } from "./protocol/streams.js";
import type { Home } from "./sender.js";
import { isStream, produce, told } from "./streams.js";

/**
 * Run the handlers of a call: all are told, and what the first returns is the answer.
 *
 * `left` tells when we leave the namespace: then its streams end.
 */
export async function answer(
  { session, report }: Home,
  [, id, , name, args, , , streams, credit]: Call,
  handlers: Listeners<readonly unknown[]>,
  left: Listeners<readonly []>,
): Promise<void> {
  const stop = new AbortController();
  const given = args.map((arg, index) => {
    if (!streams?.includes(index + 1)) return arg;
    const inflow = new Flow(session, -id, index + 1, WINDOW);
    const grant = (limit: number) => inflow.say(CREDIT, index + 1, limit);
    inflow.onEnd = () => grant(0);
    grant(WINDOW);
    return inflow;
  });
  // It is closed by a Cancel, and when the caller is gone with its session; what is said then reaches nobody.
  const flow = new Flow(session, -id, 0, credit ?? 0);
  flow.onEnd = () => {
    stop.abort();
    for (const each of given) if (each instanceof Flow) each.close(new CallError("stopped"));
  };
  const unlisten = left.add(() => flow.close());
  try {
    const [first, ...others] = handlers.start({ signal: stop.signal }, given);
    for (const other of others) other.catch(report);
    if (!first) throw new CallFailed("unknown_event", name);
    const value = await first;
    const isAnswer = isStream(value);
    if (isAnswer !== !!credit) throw new CallFailed(credit ? "not_a_stream" : "stream", name);
    if (isAnswer) await produce(session, report, flow, value);
    else flow.say(REPLY, value);
  } catch (error) {
    flow.say(FAILED, ...told(report, flow, error));
  } finally {
    unlisten();
    // An answer is no reason to stop anything, but for what still reads. After a loss the id may be that of another call.
    flow.over = true;
    if (session.calls.has(flow)) session.calls.close(-id, new CallError("answered"));
  }
}
