/** One queue in, one door out: numbers, replay, the window, deadlines, the latest value. */
import { describe, expect, test } from "vitest";
import { Entry, Outbox, type Wishes } from "../../src/protocol/outbox.js";
import { codec, event } from "../peers.js";
import { packet, type Recorded } from "../records.js";

const ROOM = 1 << 20;

function open(bounds = { packets: 100, size: 1 << 20 }): Outbox {
  return new Outbox(bounds, () => {});
}

function entry(what: Recorded | number, wishes?: Wishes): Entry {
  const said = typeof what === "number" ? event(what) : packet(what);
  return new Entry(said, codec.encode(said), wishes);
}

function fill(outbox: Outbox, ...values: number[]): Entry[] {
  const entries = values.map((value) => entry(value));
  for (const each of entries) outbox.add(each);
  return entries;
}

function numbers(entries: readonly Entry[]): number[] {
  return entries.map(({ number }) => number);
}

test("packets are numbered when they leave, from 1", () => {
  const outbox = open();
  const entries = fill(outbox, 1, 2);

  const run = outbox.run(ROOM);
  outbox.add(entry(3));

  expect(run).toMatchObject({ number: 1, counted: 2, parts: entries.map(({ encoded }) => encoded) });
  expect(numbers(outbox.entries)).toEqual([1, 2, 0]);
});

test("what is not acked is sent again as the same bytes under the same number", () => {
  const outbox = open();
  fill(outbox, 1, 2, 3);
  const first = outbox.run(ROOM);
  outbox.ack(1);

  outbox.rewind(2);
  const again = outbox.run(ROOM);

  expect(again.number).toBe(3);
  expect(again.parts[0]).toBe(first.parts[2]);
});

test("a replay begins behind the ack when that is more than what the transport says", () => {
  const outbox = open();
  fill(outbox, 1, 2);
  outbox.run(ROOM);
  outbox.ack(2);

  outbox.rewind(0);

  expect(outbox.cursor).toBe(3);
  expect(outbox.run(ROOM).parts).toEqual([]);
});

test("a lower ack than before changes nothing", () => {
  const outbox = open();
  fill(outbox, 1, 2, 3);
  outbox.run(ROOM);
  outbox.ack(2);

  outbox.ack(1);

  expect(outbox.acked).toBe(2);
  expect(outbox.packets).toBe(1);
});

test("a message takes what fits into its room, and one packet at least", () => {
  const outbox = open();
  const [first] = fill(outbox, 1, 2, 3);
  const size = first?.encoded.length ?? 0;

  const runs = [outbox.run(2 * size), outbox.run(1)];

  expect(runs.map(({ counted }) => counted)).toEqual([2, 1]);
});

describe("the window", () => {
  test("holds events back until acks open it", () => {
    const outbox = open();
    outbox.window = { packets: 2, size: ROOM };
    fill(outbox, 1, 2, 3);

    const before = outbox.run(ROOM).counted;
    outbox.ack(1);
    const after = outbox.run(ROOM).counted;

    expect([before, after]).toEqual([2, 1]);
  });

  test("lets one packet through, however large", () => {
    const outbox = open();
    outbox.window = { packets: 10, size: 1 };
    fill(outbox, 1, 2);

    const run = outbox.run(ROOM);

    expect(run.counted).toBe(1);
  });

  test("lets replies overtake the events that it holds back, and only those", () => {
    const outbox = open();
    outbox.window = { packets: 1, size: ROOM };
    const [first, held] = fill(outbox, 1, 2);
    const leave = entry({ kind: "leave", namespace: "/" });
    const reply = entry({ kind: "reply", id: 1 });
    outbox.add(leave);
    outbox.add(reply);

    outbox.run(ROOM);

    expect(numbers([first as Entry, reply, held as Entry, leave])).toEqual([1, 2, 0, 0]);
  });
});

test("what waits at a shut gate keeps nobody else waiting, and leaves in its order once that opens", () => {
  const outbox = open();
  const [shut, also, other] = fill(outbox, 1, 2, 3) as [Entry, Entry, Entry];
  shut.gate = also.gate = "/late";

  outbox.run(ROOM);
  outbox.open("/late");
  outbox.run(ROOM);

  expect(numbers([other, shut, also])).toEqual([1, 2, 3]);
});

test("only what has no number yet can be withdrawn", () => {
  const outbox = open();
  const [sent] = fill(outbox, 1);
  outbox.run(ROOM);
  const [waiting] = fill(outbox, 2);

  const withdrawn = outbox.withdraw(() => true);

  expect(withdrawn).toEqual([waiting]);
  expect(outbox.entries).toEqual([sent]);
});

test("the next deadline is that of what has no number", () => {
  const outbox = open();
  outbox.add(entry(1, { until: 5 }));
  const before = outbox.due;

  outbox.run(ROOM);

  expect([before, outbox.due]).toEqual([5, Number.POSITIVE_INFINITY]);
});

test("it overflows only behind the reserve for replies", () => {
  const outbox = open({ packets: 2, size: ROOM });
  fill(outbox, ...Array.from({ length: 130 }, (_, index) => index));
  const within = outbox.overflowed;

  fill(outbox, 131);

  expect([within, outbox.overflowed]).toEqual([false, true]);
});

test("it asks once to be taken from", () => {
  let asked = 0;
  const outbox = new Outbox({ packets: 9, size: 999 }, () => asked++);

  fill(outbox, 1, 2, 3);

  expect(asked).toBe(1);
});

test("what takes effect on arrival is kept no longer than until it arrived, and is not sent again", () => {
  const outbox = open();
  fill(outbox, 1);
  outbox.add(entry({ kind: "item", id: 1, stream: 1, value: "x" }));
  fill(outbox, 2);
  outbox.run(ROOM);

  outbox.ack(0, 3);
  outbox.rewind(0);

  expect(numbers(outbox.entries)).toEqual([1, 3]);
  expect([outbox.packets, outbox.cursor, outbox.numbered, outbox.idle]).toEqual([2, 4, 3, false]);
});

test("the items of a stream are not held back by the window, and the peer may be told of them", () => {
  const outbox = open();
  outbox.window = { packets: 1, size: 1 << 20 };
  fill(outbox, 1, 2);
  outbox.add(entry({ kind: "item", id: 1, stream: 0, value: "x" }));

  const run = outbox.run(ROOM);

  expect(run.counted).toBe(2);
  expect(numbers(outbox.entries)).toEqual([1, 2, 0]);
});
