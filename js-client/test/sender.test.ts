/** What is said with options: streams that are read and given, signals, latest values, and what may be lost. */
import { describe, expect, test } from "vitest";
import {
  CallAbandoned,
  CallFailed,
  CallTimeout,
  ConnectionClosed,
  LocalProtocolError,
  OutboxFull,
  PayloadError,
} from "../src/errors.js";
import type { End } from "../src/protocol/packets.js";
import type { Recorded } from "./records.js";
import { all, joined, Rig, Source, settled, upTo } from "./rig.js";

const item = (value: unknown, id = 1, stream = 0): Recorded => ({ kind: "item", id, stream, value });
const end = (id = 1, stream = 0, error?: End[3]): Recorded => ({ kind: "end", id, stream, error });

describe("an answer that is a stream", () => {
  test("is asked for with credit, and without an end", async () => {
    const rig = await joined();

    rig.chat.stream("ticks", 10);
    await settled();

    expect(rig.heard()).toEqual([
      { kind: "call", id: 1, namespace: "/", name: "ticks", args: [10], redelivered: false, credit: 32 },
    ]);
  });

  test("is read in a loop, and ends it", async () => {
    const rig = await joined();
    const ticks = all(rig.chat.stream("ticks"));

    await rig.say(item(1), item(2));
    await rig.say(item(3), end());

    expect(await ticks).toEqual([1, 2, 3]);
  });

  test("gives credit for what was read", async () => {
    const rig = await joined();
    const ticks = all(rig.chat.stream("ticks"));
    await settled();
    rig.heard();

    await rig.say(...upTo(17).map((tick) => item(tick)));
    const credit = rig.heard();
    await rig.say(end());

    expect(credit).toEqual([{ kind: "credit", id: 1, stream: 0, limit: 48 }]);
    expect(await ticks).toEqual(upTo(17));
  });

  test("that nobody reads is bounded: one item above it ends the session", async () => {
    const rig = await joined();
    const losses: string[] = [];
    rig.client.onLoss(({ reason }) => losses.push(reason));
    rig.chat.stream("ticks");

    await rig.say(...upTo(32).map((tick) => item(tick)));
    const before = [...losses];
    await rig.say(item(33));

    expect([before, losses]).toEqual([[], ["flood"]]);
  });

  test("nobody reads on is cancelled, once", async () => {
    const rig = await joined();
    const ticks = rig.chat.stream("ticks");
    await rig.say(item(1), item(2));
    rig.heard();

    for await (const tick of ticks) {
      expect(tick).toBe(1);
      break;
    }
    await rig.say(item(3), { kind: "failed", id: 1, code: "cancelled" });

    expect(rig.heard()).toEqual([{ kind: "cancel", id: 1 }]);
    expect(rig.errors).toEqual([]);
  });

  test("fails behind what had come", async () => {
    const rig = await joined();
    const seen: unknown[] = [];
    const loop = (async () => {
      for await (const tick of rig.chat.stream("ticks")) seen.push(tick);
    })();

    await rig.say(item(1), { kind: "failed", id: 1, code: "busy", message: "later", data: 5 });

    await expect(loop).rejects.toMatchObject({ constructor: CallFailed, code: "busy", data: 5 });
    expect(seen).toEqual([1]);
  });

  test("may be bounded in time", async () => {
    const rig = await joined();
    const ticks = all(rig.chat.with({ timeout: 2 }).stream("ticks"));
    const outcome = expect(ticks).rejects.toThrow(CallTimeout);

    await rig.clock.advance(2);

    await outcome;
    expect(rig.heard()).toMatchObject([
      { kind: "call", timeout: 2000 },
      { kind: "cancel", id: 1 },
    ]);
  });

  test("survives a cut", async () => {
    const rig = await joined();
    const ticks = all(rig.chat.stream("ticks"));
    await rig.say(item(1));

    await rig.cut();
    await rig.attach({ resumed: true, received: 1 });
    await rig.say(item(2), end());

    expect(await ticks).toEqual([1, 2]);
  });

  test("ends with its session, unless it was not even asked for", async () => {
    const rig = await joined();
    const early = all(rig.chat.stream("early"));
    const lost = expect(early).rejects.toThrow(CallAbandoned);
    await settled();
    await rig.cut();
    const late = all(rig.chat.stream("late"));

    await rig.attach({ sid: "s2", reason: "unknown" });
    await lost;
    await rig.say(item("x", 2), end(2));

    expect(await late).toEqual(["x"]);
  });

  test("ends when the client closes", async () => {
    const rig = await joined();
    const ticks = all(rig.chat.stream("ticks"));
    const outcome = expect(ticks).rejects.toThrow(ConnectionClosed);
    await settled();

    rig.client.close();

    await outcome;
    await settled();
    expect(rig.heard()).toMatchObject([{ kind: "call" }, { kind: "ping" }]);
  });

  test("is told to a callback, and the call settles at its end", async () => {
    const rig = await joined();
    const ticks: unknown[] = [];

    const over = rig.chat.with({ onItem: (tick: number) => ticks.push(tick) }).call("ticks");
    await rig.say(item(1), item(2));
    const before = [...ticks];
    await rig.say(end());

    expect(await over).toBeUndefined();
    expect([before, ticks]).toEqual([
      [1, 2],
      [1, 2],
    ]);
  });

  test("is cancelled when its callback throws", async () => {
    const rig = await joined();
    const onItem = () => {
      throw new Error("enough");
    };
    const over = expect(rig.chat.with({ onItem }).call("ticks")).rejects.toThrow("enough");
    await settled();
    rig.heard();

    await rig.say(item(1), item(2));

    await over;
    expect(rig.heard()).toEqual([{ kind: "cancel", id: 1 }]);
  });

  test("is not repeated, whatever was asked for", async () => {
    const rig = await joined();
    const ticks = all(rig.chat.with({ repeatable: true }).stream("ticks"));
    const outcome = expect(ticks).rejects.toThrow(CallAbandoned);
    await settled();

    await rig.cut();
    await rig.attach({ sid: "s2", reason: "unknown" });

    await outcome;
    expect(rig.heard()).toEqual([]);
  });
});

describe("an argument that is a stream", () => {
  test("is announced, and nothing of it is sent before the other side asks for it", async () => {
    const rig = await joined();
    const rows = new Source([1, 2]);

    rig.chat.call("import", "lobby", rows).catch(() => {});
    await settled();

    const [called] = rig.heard();
    expect(called).toMatchObject({ kind: "call", args: ["lobby", null], streams: [2] });
    expect(called?.credit).toBeUndefined();
    expect(rows.pulled).toBe(0);
  });

  test("is sent as far as there is credit, and then its end", async () => {
    const rig = await joined();
    const answer = rig.chat.call("import", new Source(["a", "b", "c"]));
    await settled();
    rig.heard();

    await rig.say({ kind: "credit", id: 1, stream: 1, limit: 2 });
    const first = rig.heard();
    await rig.say({ kind: "credit", id: 1, stream: 1, limit: 4 });
    const second = rig.heard();
    await rig.say({ kind: "reply", id: 1, value: 3 });

    expect(first).toEqual([item("a", 1, 1), item("b", 1, 1)]);
    expect(second).toEqual([item("c", 1, 1), end(1, 1)]);
    expect(await answer).toBe(3);
  });

  test("that is empty, or fails at once, says so when it is asked for and not before", async () => {
    const rig = new Rig();
    // The gate is shut, and what belongs to the call must not be faster than the call.
    const answer = rig.chat.call("import", new Source());
    await rig.attach();
    const called = rig.heard();

    await rig.say({ kind: "credit", id: 1, stream: 1, limit: 32 });
    const sent = rig.heard();
    await rig.say({ kind: "reply", id: 1, value: 0 });

    expect([called.length, sent]).toEqual([1, [end(1, 1)]]);
    expect(await answer).toBe(0);
  });

  test("may be one of several, with an answer that is one as well", async () => {
    const rig = await joined();
    async function* ones() {
      yield 1;
    }
    const sums = all(rig.chat.stream("merge", ones(), new Source([2])));
    await settled();
    rig.heard();

    await rig.say({ kind: "credit", id: 1, stream: 2, limit: 32 }, { kind: "credit", id: 1, stream: 1, limit: 32 });
    await rig.say(item(3), end());

    expect(rig.heard()).toEqual([item(2, 1, 2), item(1, 1, 1), end(1, 2), end(1, 1)]);
    expect(await sums).toEqual([3]);
  });

  test.each([
    [
      "the other side stops it",
      { kind: "credit", id: 1, stream: 1, limit: 0 } as const,
      [end(1, 1, ["cancelled", "", null])],
    ],
    ["the call has its answer", { kind: "reply", id: 1, value: 1 } as const, []],
    ["the call fails", { kind: "failed", id: 1, code: "busy" } as const, []],
  ])("is closed when %s, and no item follows", async (_why, packet, last) => {
    const rig = await joined();
    const rows = new Source(upTo(100));
    rig.chat.call("import", rows).catch(() => {});
    await rig.say({ kind: "credit", id: 1, stream: 1, limit: 3 });
    rig.heard();

    await rig.say(packet);
    await rig.say({ kind: "credit", id: 1, stream: 1, limit: 9 });

    expect(rig.heard()).toEqual(last);
    expect([rows.closed, rows.pulled, rig.errors]).toEqual([1, 3, []]);
  });

  test("that fails is told as the call of a handler is", async () => {
    const rig = await joined();
    const failing = async function* (error: unknown): AsyncGenerator<number> {
      yield 1;
      throw error;
    };
    rig.chat.call("import", failing(new CallFailed("torn", "half of it", 5))).catch(() => {});
    rig.chat.call("import", failing(new Error("secret"))).catch(() => {});
    await settled();
    rig.heard();

    await rig.say({ kind: "credit", id: 1, stream: 1, limit: 9 }, { kind: "credit", id: 2, stream: 1, limit: 9 });

    expect(rig.heard().filter(({ kind }) => kind === "end")).toMatchObject([
      { id: 1, error: ["torn", "half of it", 5] },
      { id: 2, error: ["error", "the handler failed", null] },
    ]);
    expect(rig.errors).toEqual([new Error("secret")]);
  });

  test("that yields what cannot travel is closed, and its call told", async () => {
    const rig = await joined();
    const rows = new Source([() => {}, 2]);
    rig.chat.call("import", rows).catch(() => {});
    await settled();
    rig.heard();

    await rig.say({ kind: "credit", id: 1, stream: 1, limit: 9 });
    const told = rig.heard();
    await rig.say({ kind: "failed", id: 1, code: "error" });

    expect(told).toMatchObject([{ kind: "end", error: ["error", "the handler failed", null] }]);
    expect(rig.errors).toMatchObject([{ constructor: PayloadError }]);
    expect(rows.closed).toBe(1);
  });

  test("pauses while the outbox is above half, and goes on when it is acked", async () => {
    const rig = await joined({ outbox: { packets: 10 } });
    const rows = new Source(upTo(20));
    rig.chat.call("import", rows).catch(() => {});

    await rig.say({ kind: "credit", id: 1, stream: 1, limit: 20 });
    const before = rows.pulled;
    // The call still waits for its handler; what takes effect on arrival is not kept for that.
    await rig.say({ kind: "ack", handed: 0, received: 6 });

    expect([before, rows.pulled]).toEqual([5, 10]);
  });

  test("goes on in the next session when nothing of its call had left", async () => {
    const rig = await joined();
    await rig.cut();
    const answer = rig.chat.call("import", new Source([1]));

    await rig.attach({ sid: "s2", reason: "unknown" });
    await settled();
    const called = rig.heard();
    await rig.say({ kind: "credit", id: 1, stream: 1, limit: 32 });
    const sent = rig.heard();
    await rig.say({ kind: "reply", id: 1, value: "done" });

    expect(called).toMatchObject([{ kind: "call", streams: [1] }]);
    expect(sent).toEqual([item(1, 1, 1), end(1, 1)]);
    expect(await answer).toBe("done");
  });
});

describe("a signal", () => {
  test("cancels a call that has left, whose promise rejects with its reason", async () => {
    const rig = await joined();
    const stop = new AbortController();
    const answer = expect(rig.chat.with({ signal: stop.signal }).call("think")).rejects.toBe("bored");
    await settled();
    rig.heard();

    stop.abort("bored");

    await answer;
    await settled();
    expect(rig.heard()).toEqual([{ kind: "cancel", id: 1 }]);
  });

  test("takes back a call that has not left", async () => {
    const rig = new Rig();
    const stop = new AbortController();
    const answer = expect(rig.chat.with({ signal: stop.signal }).call("think")).rejects.toBe(null);

    stop.abort(null);
    await rig.attach();

    await answer;
    expect(rig.heard()).toEqual([]);
  });

  test("that was given before keeps a call from being made", async () => {
    const rig = await joined();
    const sender = rig.chat.with({ signal: AbortSignal.abort("no") });

    await expect(sender.call("think")).rejects.toBe("no");
    expect(() => sender.stream("think")).toThrow("no");
    expect(rig.heard()).toEqual([]);
  });

  test("stops a stream, whose loop throws its reason", async () => {
    const rig = await joined();
    const stop = new AbortController();
    const ticks = expect(all(rig.chat.with({ signal: stop.signal }).stream("ticks"))).rejects.toBe("bored");
    await rig.say(item(1));
    rig.heard();

    stop.abort("bored");

    await ticks;
    await settled();
    expect(rig.heard()).toEqual([{ kind: "cancel", id: 1 }]);
  });

  test("is left alone once the call is over", async () => {
    const rig = await joined();
    const stop = new AbortController();
    const answer = rig.chat.with({ signal: stop.signal }).call("think");
    await rig.say({ kind: "reply", id: 1, value: 42 });
    rig.heard();

    stop.abort();
    await settled();

    expect(await answer).toBe(42);
    expect(rig.heard()).toEqual([]);
  });
});

describe("what may be lost, and what may be replaced", () => {
  test("a volatile event leaves at once or never", async () => {
    const rig = await joined();

    rig.chat.with({ volatile: true }).emit("cursor", 1);
    await settled();
    const attached = rig.heard();
    await rig.cut();
    rig.chat.with({ volatile: true }).emit("cursor", 2);
    await rig.attach({ resumed: true, received: 0 });

    expect(attached).toEqual([{ kind: "volatile", namespace: "/", name: "cursor", args: [1] }]);
    expect(rig.heard()).toEqual([]);
  });

  test("one that cannot travel, or is for a namespace that was left, is refused like any other", async () => {
    const rig = await joined();
    const chat = rig.chat.with({ volatile: true });

    expect(() => chat.emit("cursor", () => {})).toThrow(PayloadError);
    rig.chat.leave();
    expect(() => chat.emit("cursor")).toThrow(LocalProtocolError);
  });

  test("one that waited is no loss", async () => {
    const rig = await joined();
    const losses: unknown[] = [];
    rig.client.onLoss((loss) => losses.push(loss));
    rig.socket.bufferedAmount = 1 << 20;
    rig.chat.with({ volatile: true }).emit("cursor", 1);
    await settled();

    await rig.say({ kind: "close", code: "evicted" });

    expect(losses).toMatchObject([{ unconfirmed: [], unsent: [] }]);
  });

  test("the latest value takes the place of the one that has not left, at the end of the queue", async () => {
    const rig = await joined();
    await rig.cut();
    const pose = (key: string | number, value: number) => rig.chat.with({ latest: key }).emit("pose", value);

    pose("ann", 1);
    pose("bob", 2);
    pose(1, 3);
    pose("1", 4);
    rig.chat.with({ latest: "ann" }).emit("name", 5);
    pose("ann", 6);
    await rig.attach({ resumed: true, received: 0 });

    expect(rig.heard()).toMatchObject([2, 3, 4, 5, 6].map((value) => ({ kind: "event", args: [value] })));
  });

  test("the latest value fits where the older one did, however full the outbox is", async () => {
    const rig = await joined({ outbox: { packets: 2 } });
    await rig.cut();
    rig.chat.with({ latest: 0 }).emit("pose", 1);
    rig.chat.emit("say", 2);

    rig.chat.with({ latest: 0 }).emit("pose", 3);

    expect(() => rig.chat.with({ latest: 1 }).emit("pose", 4)).toThrow(OutboxFull);
    await rig.attach({ resumed: true, received: 0 });
    expect(rig.heard()).toMatchObject([{ args: [2] }, { args: [3] }]);
  });
});

test("everything that is said can be listened to", async () => {
  const rig = await joined();
  const said: unknown[] = [];
  const unsubscribe = rig.chat.onAnyOutgoing((...args) => said.push(args));
  rig.chat.emit("say", "hello");
  rig.chat.with({ volatile: true }).emit("cursor", 1);
  rig.chat.call("ask", 2).catch(() => {});
  unsubscribe();

  rig.chat.emit("say", "nobody hears that");

  expect(said).toEqual([
    ["say", "hello"],
    ["cursor", 1],
    ["ask", 2],
  ]);
});
