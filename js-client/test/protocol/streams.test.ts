/** Credit: how far a producer may be ahead, when a reader gives more, and which packet belongs to which stream. */
import { describe, expect, test } from "vitest";
import { CallFailed } from "../../src/errors.js";
import { Calls } from "../../src/protocol/calls.js";
import { Entry } from "../../src/protocol/outbox.js";
import { END, ITEM, type Packet } from "../../src/protocol/packets.js";
import { Flow } from "../../src/protocol/streams.js";
import { codec } from "../peers.js";
import { type Recorded, record } from "../records.js";

/** A session of which only the streams are looked at. */
class FakeSession {
  readonly calls = new Calls();
  readonly said: Recorded[] = [];

  send(packet: Packet): Entry {
    this.said.push(record(packet));
    return new Entry(packet, codec.encode(packet));
  }
}

const credit = (limit: number) => ({ kind: "credit", id: 7, stream: 0, limit });

function producing(limit: number): Flow {
  return new Flow(new FakeSession(), -7, 0, limit);
}

function reading(limit = 32) {
  const session = new FakeSession();
  const { said } = session;
  const flow = new Flow(session, 7, 0, limit);
  const items = flow[Symbol.asyncIterator]();
  const take = async (count: number) => {
    for (let taken = 0; taken < count; taken++) await items.next();
  };
  return { flow, said, items, take };
}

describe("a producer", () => {
  test("sends what its reader takes, and waits then", () => {
    const flow = producing(0);

    const before = flow.room;
    flow.grant(2);
    flow.put(10, 10);
    const between = flow.room;
    flow.put(10, 10);

    expect([before, between, flow.room]).toEqual([false, true, false]);
  });

  test("keeps within 64 KiB of what credit covers", () => {
    const flow = producing(32);
    flow.put(60_000, 60_000);
    const first = flow.room;
    flow.put(60_000, 60_000);
    const full = flow.room;

    flow.grant(32 + 1);
    const still = flow.room;
    flow.grant(32 + 2);

    expect([first, full, still, flow.room]).toEqual([true, false, true, true]);
  });

  test("may send one item, however large", () => {
    const flow = producing(32);

    const before = flow.room;
    flow.put(1 << 20, 1 << 20);
    const after = flow.room;
    flow.grant(33);

    expect([before, after, flow.room]).toEqual([true, false, true]);
  });

  test("counts the credit it begins with from the first that comes", () => {
    const flow = producing(0);
    flow.grant(4);
    flow.put(40_000, 40_000);
    flow.put(40_000, 40_000);

    flow.grant(6);

    expect(flow.room).toBe(true);
  });

  test("takes credit for what it is: absolute, and never less than before", () => {
    const flow = producing(8);

    flow.grant(4);

    expect(flow.limit).toBe(8);
  });

  test("stops at a limit of 0", () => {
    const flow = producing(8);
    let ends = 0;
    flow.onEnd = () => ends++;

    flow.grant(0);
    flow.grant(0);

    expect([flow.over, ends]).toEqual([true, 1]);
  });
});

describe("a reader", () => {
  test("gets the items in order, then the end", async () => {
    const { flow, items } = reading();
    flow.put("a", 1);
    flow.put("b", 1);
    flow.close();

    expect([await items.next(), await items.next(), await items.next()]).toEqual([
      { value: "a", done: false },
      { value: "b", done: false },
      { value: undefined, done: true },
    ]);
  });

  test("waits for what has not come yet", async () => {
    const { flow, items } = reading();

    const item = items.next();
    flow.put("late", 1);

    expect(await item).toEqual({ value: "late", done: false });
  });

  test("is told why it ended behind what had come before", async () => {
    const { flow, items } = reading();
    flow.put("a", 1);
    flow.close(new CallFailed("busy"));
    flow.close();

    expect(await items.next()).toMatchObject({ value: "a" });
    await expect(items.next()).rejects.toThrow("busy");
  });

  test("gives credit when half of it is used up, and not sooner", async () => {
    const { flow, said, take } = reading();
    for (let item = 0; item < 32; item++) flow.put(item, 1);

    await take(15);
    const before = [...said];
    await take(1);

    expect([before, said]).toEqual([[], [credit(48)]]);
  });

  test("gives credit when it has taken all and that was 16 KiB or more", async () => {
    const { flow, said, take } = reading();
    flow.put("large", 10_000);
    await take(1);
    const before = [...said];

    flow.put("large", 10_000);
    flow.put("large", 10_000);
    await take(1);
    const between = [...said];
    await take(1);
    flow.put("small", 10);
    await take(1);

    expect([before, between, said]).toEqual([[], [], [credit(35)]]);
  });

  test("who leaves the loop ends it, and what comes then is dropped", async () => {
    const { flow } = reading();
    let left = 0;
    flow.onEnd = () => left++;
    flow.put(1, 1);

    for await (const _ of flow) break;

    expect([left, flow.over, flow.put(2, 1), flow.waiting]).toEqual([1, true, true, []]);
  });

  test("several loops over one stream share it, and all of them end", async () => {
    const { flow } = reading();
    const seen: unknown[] = [];
    const loop = async () => {
      for await (const item of flow) seen.push(item);
    };

    const loops = [loop(), loop()];
    flow.put(1, 1);
    flow.put(2, 1);
    flow.close();
    await Promise.all(loops);

    expect(seen.sort()).toEqual([1, 2]);
  });

  test("more than was asked for is noticed", () => {
    const { flow } = reading(1);

    expect([flow.put(1, 1), flow.put(2, 1)]).toEqual([true, false]);
  });
});

test("what is over says nothing any more", () => {
  const session = new FakeSession();
  const flow = new Flow(session, -7, 2, 4);

  const before = flow.say(ITEM, 2, "x");
  session.calls.close(-7);

  expect([before > 0, flow.say(END, 2)]).toEqual([true, 0]);
  expect(session.said).toEqual([{ kind: "item", id: 7, stream: 2, value: "x" }]);
});
