/** What is said to a namespace: events, calls, and streams in both directions. */
import type { Client } from "./client.js";
import type { Listeners, Report } from "./emitter.js";
import type { ClientSession } from "./protocol/client_session.js";
import { NEVER } from "./protocol/never.js";
import { CALL, type Call, EVENT, VOLATILE } from "./protocol/packets.js";
import { toMilliseconds } from "./protocol/session.js";
import { Flow, WINDOW } from "./protocol/streams.js";
import { isStream, produce } from "./streams.js";
import type { Answer, Args, Events, Name, SendOptions, Streamed, Streaming } from "./types.js";

// What is volatile leaves within so many seconds or never (contract rule 9).
const STALE = 0.25;
const CALL_TIMEOUT = 30;
// What is longer travels as no end at all.
const LONGEST = 1e12;

/** What a namespace needs of its client. */
export interface Home {
  readonly client: Client;
  readonly session: ClientSession;
  readonly report: Report;
  /** Told of everything that is emitted or called in the namespace. */
  readonly outgoing: Listeners<readonly [event: string, ...args: unknown[]]>;
  now(): number;
  /** Something is to be written, or a deadline to be kept. */
  soon(): void;
}

/** Emit, call and stream with options. */
export class Sender<Said extends Events<Said>> {
  /** Of the namespace. */
  readonly name: string;
  readonly #home: Home;
  readonly #options: SendOptions;

  constructor(home: Home, name: string, options: SendOptions) {
    this.#home = home;
    this.name = name;
    this.#options = options;
  }

  /**
   * Say something; no answer is wanted. It waits while the client is not connected, unless it is volatile.
   *
   * Throws PayloadError, OutboxFull, ConnectionClosed, and LocalProtocolError after the namespace was left.
   */
  emit<N extends Name<Said>>(event: N, ...args: Args<Said, N>): void {
    const { session, report, outgoing, now, soon } = this.#home;
    const { volatile, latest, deadline = NEVER } = this.#options;
    outgoing.tell(report, event, ...args);
    session.emit([volatile ? VOLATILE : EVENT, this.name, event, args], {
      ...this.#options,
      until: now() + (volatile ? STALE : deadline),
      key: latest !== undefined && JSON.stringify([this.name, event, latest]),
    });
    soon();
  }

  /**
   * Say something and wait for the answer; rejects with a CallError, with the reason of the `signal`, or with what
   * `emit` throws. With `onItem` the answer is a stream, and what counts is its end.
   */
  async call<N extends Name<Said>>(event: N, ...args: Args<Said, N>): Promise<Answer<Said, N>> {
    const { onItem } = this.#options;
    let answer: unknown;
    for await (const item of this.#ask(event, args, onItem ? WINDOW : 0)) {
      if (onItem) await onItem(item);
      else answer = item;
    }
    return answer as Answer<Said, N>;
  }

  /**
   * Call and read the answer in a loop; leaving the loop stops the other side, which is never far ahead of it.
   *
   * It may go on for ever, unless there is a `timeout`. The loop throws what `call` rejects with.
   */
  stream<N extends Streaming<Said>>(event: N, ...args: Args<Said, N>): AsyncIterable<Streamed<Said, N>> {
    return this.#ask(event, args, WINDOW) as Flow<Streamed<Said, N>>;
  }

  /** Call, and return the answer: a stream that may begin with `credit` items, or with 0 the one value. */
  #ask(event: string, args: readonly unknown[], credit: number): Flow {
    const { session, report, outgoing, now, soon } = this.#home;
    const { signal, timeout = credit ? NEVER : CALL_TIMEOUT, deadline = NEVER, repeatable } = this.#options;
    signal?.throwIfAborted();
    outgoing.tell(report, event, ...args);
    const id = session.nextCall();
    const streams: number[] = [];
    const plain = args.map((arg, index) => {
      if (!isStream(arg)) return arg;
      streams.push(index + 1);
      return null;
    });
    const travelling = timeout < LONGEST ? toMilliseconds(Math.max(0, timeout)) : null;
    const asked: Call = [CALL, id, this.name, event, plain, travelling];
    const answer = session.emitCall(
      streams[0] || credit
        ? ([...asked, false, streams[0] ? streams : null, credit || null] as unknown as Call)
        : asked,
      now() + timeout,
      // What was streamed once cannot be streamed again.
      { until: now() + deadline, repeatable: repeatable && !streams[0] && !credit },
    );
    const stop = () => {
      signal?.removeEventListener("abort", stop);
      session.cancel(id, signal?.reason);
    };
    signal?.addEventListener("abort", stop);
    answer.onEnd = stop;
    for (const stream of streams) {
      const flow = new Flow(session, id, stream, 0);
      produce(session, report, flow, args[stream - 1] as AsyncIterable<unknown>).catch(report);
    }
    soon();
    return answer;
  }
}
