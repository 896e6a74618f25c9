/** Calls of the server: who answers, streams both ways, and handlers that are stopped. */
import { describe, expect, test } from "vitest";
import { CallError, CallFailed, ConnectionClosed } from "../src/errors.js";
import type { End } from "../src/protocol/packets.js";
import type { Recorded } from "./records.js";
import { all, joined, Source, settled, upTo } from "./rig.js";

function call(changes: Partial<Recorded> = {}): Recorded {
  return { kind: "call", id: 5, namespace: "/", name: "ask", args: [], ...changes };
}

const item = (value: unknown, stream = 0): Recorded => ({ kind: "item", id: 5, stream, value });
const end = (stream = 0, error?: End[3]): Recorded => ({ kind: "end", id: 5, stream, error });
const failed = (code: string, message: string | null = null) => ({
  kind: "failed",
  id: 5,
  code,
  ...(message && { message }),
});

describe("several handlers of a call", () => {
  test("are all told, and the first answers", async () => {
    const rig = await joined();
    const told: unknown[] = [];
    rig.chat.on("ask", async (value: number) => value + 1);
    rig.chat.once("ask", (value: number) => told.push(value));
    rig.chat.on("ask", () => {
      throw new Error("no answer of mine");
    });

    await rig.say(call({ args: [1] }));
    await rig.say(call({ id: 6, args: [2] }));

    expect(rig.heard()).toEqual([
      { kind: "reply", id: 5, value: 2 },
      { kind: "reply", id: 6, value: 3 },
    ]);
    expect(told).toEqual([1]);
    expect(rig.errors).toHaveLength(2);
  });

  test("are none: it is said so", async () => {
    const rig = await joined();

    await rig.say(call());

    expect(rig.heard()).toMatchObject([failed("unknown_event")]);
  });
});

describe("a handler that streams its answer", () => {
  test("sends what it yields, as far as there is credit, and then the end", async () => {
    const rig = await joined();
    rig.chat.on("ask", async function* (to: number) {
      yield* upTo(to);
    });

    await rig.say(call({ args: [3], credit: 2 }));
    const first = rig.heard();
    await rig.say({ kind: "credit", id: 5, stream: 0, limit: 34 });

    expect([first, rig.heard()]).toEqual([
      [item(1), item(2)],
      [item(3), end()],
    ]);
  });

  test("may return any async iterable, or the promise of one", async () => {
    const rig = await joined();
    rig.chat.on("ask", async () => new Source(["a"]));

    await rig.say(call({ credit: 32 }));

    expect(rig.heard()).toEqual([item("a"), end()]);
  });

  test("keeps within 64 KiB of what credit covers", async () => {
    const rig = await joined();
    rig.chat.on("ask", () => new Source(upTo(5).map(() => new Uint8Array(40_000))));

    await rig.say(call({ credit: 32 }));
    const first = rig.heard().length;
    await rig.say({ kind: "credit", id: 5, stream: 0, limit: 34 });

    expect([first, rig.heard().length]).toEqual([2, 2]);
  });

  test("tells an error behind its items", async () => {
    const rig = await joined();
    rig.chat.on("ask", async function* () {
      yield 1;
      throw new CallFailed("torn", "half of it", 5);
    });

    await rig.say(call({ credit: 32 }));

    expect(rig.heard()).toEqual([item(1), end(0, ["torn", "half of it", 5])]);
    expect(rig.errors).toEqual([]);
  });

  test("is closed when it yields what cannot travel", async () => {
    const rig = await joined();
    const source = new Source([() => {}]);
    rig.chat.on("ask", () => source);

    await rig.say(call({ credit: 32 }));

    expect(rig.heard()).toEqual([end(0, ["error", "the handler failed", null])]);
    expect([source.closed, rig.errors.length]).toEqual([1, 1]);
  });

  test("is not run for a call that wants one value, nor a plain one for a stream", async () => {
    const rig = await joined();
    const source = new Source([1]);
    rig.chat.on("ask", () => source);
    rig.chat.on("plain", () => 1);

    await rig.say(call(), call({ id: 6, name: "plain", credit: 32 }));

    expect(rig.heard()).toMatchObject([
      { kind: "failed", id: 5, code: "stream" },
      { kind: "failed", id: 6, code: "not_a_stream" },
    ]);
    expect([source.pulled, rig.errors]).toEqual([0, []]);
  });

  test("is stopped when no more is wanted, and its caller is told", async () => {
    const rig = await joined();
    const source = new Source(upTo(9));
    rig.chat.on("ask", () => source);
    await rig.say(call({ credit: 2 }));
    rig.heard();

    await rig.say({ kind: "credit", id: 5, stream: 0, limit: 0 });

    expect(rig.heard()).toEqual([end(0, ["cancelled", "", null])]);
    expect(source.closed).toBe(1);
  });
});

describe("a handler that is given streams", () => {
  test("asks for them, reads them, and gives credit", async () => {
    const rig = await joined();
    rig.chat.on("ask", async (room: string, rows: AsyncIterable<number>) => [room, (await all(rows)).length]);

    await rig.say(call({ args: ["lobby", null], streams: [2] }));
    const asked = rig.heard();
    await rig.say(...upTo(20).map((row) => item(row, 2)));
    const credit = rig.heard();
    await rig.say(end(2));

    expect(asked).toEqual([{ kind: "credit", id: 5, stream: 2, limit: 32 }]);
    expect(credit).toEqual([{ kind: "credit", id: 5, stream: 2, limit: 48 }]);
    expect(rig.heard()).toContainEqual({ kind: "reply", id: 5, value: ["lobby", 20] });
  });

  test("may stream its answer at the same time", async () => {
    const rig = await joined();
    rig.chat.on("ask", async function* (rows: AsyncIterable<number>) {
      for await (const row of rows) yield row * 2;
    });

    await rig.say(call({ args: [null], streams: [1], credit: 32 }));
    await rig.say(item(1, 1), item(2, 1), end(1));

    const said = rig.heard();
    expect(said.filter(({ kind }) => kind !== "credit")).toEqual([item(2), item(4), end()]);
  });

  test("stops them by leaving the loop", async () => {
    const rig = await joined();
    rig.chat.on("ask", async (rows: AsyncIterable<number>) => {
      for await (const row of rows) return row;
      return 0;
    });
    await rig.say(call({ args: [null], streams: [1] }));
    rig.heard();

    await rig.say(item(7, 1), item(8, 1));

    expect(rig.heard()).toEqual([
      { kind: "credit", id: 5, stream: 1, limit: 0 },
      { kind: "reply", id: 5, value: 7 },
    ]);
  });

  test("is told why they broke off", async () => {
    const rig = await joined();
    rig.chat.on("ask", async (rows: AsyncIterable<number>) => all(rows).catch(({ code }) => code));

    await rig.say(call({ args: [null], streams: [1] }));
    await rig.say(end(1, ["torn", "", null]));

    expect(rig.heard()).toContainEqual({ kind: "reply", id: 5, value: "torn" });
  });

  test("leaves what reads on with an error once it has answered", async () => {
    const rig = await joined();
    let late: Promise<unknown> | undefined;
    rig.chat.on("ask", (rows: AsyncIterable<number>) => {
      late = all(rows);
      return 1;
    });

    await rig.say(call({ args: [null], streams: [1] }));

    await expect(late).rejects.toThrow(CallError);
  });

  test("only those that are announced are streams, and one too many ends the session", async () => {
    const rig = await joined();
    const losses: string[] = [];
    rig.client.onLoss(({ reason }) => losses.push(reason));
    rig.chat.on("ask", (...args: unknown[]) => new Promise(() => args.length));

    await rig.say(call({ args: [null, null], streams: [2, 2 ** 50] }));
    const asked = rig.heard();
    await rig.say(...upTo(33).map((row) => item(row, 2)));

    expect(asked).toEqual([{ kind: "credit", id: 5, stream: 2, limit: 32 }]);
    expect(losses).toEqual(["flood"]);
  });
});

describe("a call that is cancelled", () => {
  test("stops a generator, and nothing more is said", async () => {
    const rig = await joined();
    const source = new Source(upTo(99));
    rig.chat.on("ask", () => source);
    await rig.say(call({ credit: 2 }));
    rig.heard();

    await rig.say({ kind: "cancel", id: 5 });

    expect(rig.heard()).toEqual([]);
    expect([source.closed, rig.errors]).toEqual([1, []]);
  });

  test("tells a handler by this.signal, whose answer is dropped", async () => {
    const rig = await joined();
    let told: AbortSignal | undefined;
    rig.chat.on("ask", async function () {
      told = this.signal;
      await new Promise((_, reject) => told?.addEventListener("abort", () => reject(told?.reason)));
    });
    await rig.say(call());

    await rig.say({ kind: "cancel", id: 5 });

    expect([told?.aborted, rig.heard(), rig.errors]).toEqual([true, [], []]);
  });

  test("ends what its handler reads", async () => {
    const rig = await joined();
    let outcome: unknown;
    rig.chat.on("ask", async (rows: AsyncIterable<number>) => {
      outcome = await all(rows).catch((error) => error);
    });
    await rig.say(call({ args: [null], streams: [1] }));

    await rig.say({ kind: "cancel", id: 5 });

    expect(outcome).toBeInstanceOf(CallError);
  });

  test("is not one that was answered: its signal stays as it is", async () => {
    const rig = await joined();
    let told: AbortSignal | undefined;
    rig.chat.on("ask", function () {
      told = this.signal;
    });

    await rig.say(call());
    await rig.say({ kind: "cancel", id: 5 });

    expect(told?.aborted).toBe(false);
  });
});

describe("when we leave", () => {
  test("streams end, and their caller is told", async () => {
    const rig = await joined();
    const source = new Source(upTo(99));
    rig.chat.on("ask", () => source);
    await rig.say(call({ credit: 2 }));
    rig.heard();

    rig.chat.leave();
    await settled();

    expect(rig.heard()).toMatchObject([{ kind: "leave" }, end(0, ["cancelled", "", null])]);
    expect(source.closed).toBe(1);
  });

  test("an argument that is a stream is stopped", async () => {
    const rig = await joined();
    rig.chat.on("ask", async (rows: AsyncIterable<number>) => (await all(rows)).length);
    await rig.say(call({ args: [null], streams: [1] }));
    rig.heard();

    await rig.say({ kind: "leave", namespace: "/" });

    expect(rig.heard()).toMatchObject([{ kind: "credit", limit: 0 }, failed("cancelled")]);
  });

  test("the session, its streams end, and an answer does not reach the next one", async () => {
    const rig = await joined();
    const source = new Source(upTo(99));
    let release = () => {};
    let reading: Promise<unknown> = Promise.resolve();
    rig.chat.on("ask", () => source);
    rig.chat.on("slow", async (rows: AsyncIterable<number>) => {
      reading = all(rows);
      reading.catch(() => {});
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return "late";
    });
    await rig.say(call({ credit: 2 }), call({ id: 6, name: "slow", args: [null], streams: [1] }));

    await rig.cut();
    await rig.attach({ sid: "s2", reason: "unknown" });
    rig.chat.off("slow");
    rig.chat.on("slow", () => new Promise(() => {}));
    await rig.say(call({ id: 6, name: "slow" }));
    release();
    await settled();

    expect(rig.heard()).toEqual([]);
    expect(source.closed).toBe(1);
    await expect(reading).rejects.toThrow(ConnectionClosed);
  });

  test("the goodbye waits for no stream", async () => {
    const rig = await joined();
    const source = new Source(upTo(99));
    rig.chat.on("ask", () => source);
    await rig.say(call({ credit: 4 }));
    const sent = rig.heard().length;

    rig.client.close();
    await settled();
    await rig.say({ kind: "ack", handed: sent });

    expect([source.closed, rig.client.state]).toEqual([1, "closed"]);
  });
});

test("a resume changes nothing for a stream", async () => {
  const rig = await joined();
  rig.chat.on("ask", () => new Source(upTo(3)));
  await rig.say(call({ credit: 2 }));
  rig.heard();

  await rig.cut();
  await rig.attach({ resumed: true, received: 1 });
  await rig.say({ kind: "credit", id: 5, stream: 0, limit: 9 });

  expect(rig.heard()).toEqual([item(2), item(3), end()]);
});
