/** Events that are read in a loop, and what a connect handler may wait for. */
import { describe, expect, test } from "vitest";
import { OutboxFull } from "../src/errors.js";
import type { Recorded } from "./records.js";
import { all, joined, Rig, settled, upTo } from "./rig.js";

const said = (...args: unknown[]): Recorded => ({ kind: "event", namespace: "/", name: "said", args });

describe("a loop over an event", () => {
  test("reads what each of them carries, from the moment in which it was made", async () => {
    const rig = await joined();
    const events = rig.chat.events("said");
    await rig.say(said("ann", "hello"), { ...said("bob"), name: "left" } as Recorded, said("bob", "hi"));
    const seen: unknown[] = [];

    for await (const [who, text] of events) {
      seen.push(`${who}: ${text}`);
      if (seen.length === 2) break;
    }

    expect(seen).toEqual(["ann: hello", "bob: hi"]);
  });

  test("is over for who leaves it", async () => {
    const rig = await joined();
    const events = rig.chat.events("said");
    await rig.say(said(1));

    for await (const _ of events) break;
    await rig.say(said(2));

    expect(await all(events)).toEqual([]);
  });

  test("reads calls as well, and answers none", async () => {
    const rig = await joined();
    const events = rig.chat.events("ask");
    rig.chat.on("ask", () => 42);

    await rig.say({ kind: "call", id: 1, namespace: "/", name: "ask", args: [5] });

    expect(rig.heard()).toEqual([{ kind: "reply", id: 1, value: 42 }]);
    for await (const args of events) {
      expect(args).toEqual([5]);
      break;
    }
  });

  test("throws when 1,024 wait for it, behind those", async () => {
    const rig = await joined();
    const events = rig.chat.events("said");
    const seen: unknown[] = [];

    for (const number of upTo(1030)) await rig.say(said(number));
    const loop = (async () => {
      for await (const [number] of events) seen.push(number);
    })();

    await expect(loop).rejects.toThrow(OutboxFull);
    expect(seen).toEqual(upTo(1024));
  });

  test("goes on in the next session", async () => {
    const rig = await joined();
    const events = rig.chat.events("said");

    await rig.cut();
    await rig.attach({ sid: "s2", reason: "unknown" });
    await rig.say(said(1));

    for await (const args of events) {
      expect(args).toEqual([1]);
      break;
    }
  });

  test.each([
    ["we leave", (rig: Rig) => rig.chat.leave()],
    ["we are put out", (rig: Rig) => rig.say({ kind: "leave", namespace: "/" })],
    [
      "the client closes",
      (rig: Rig) => {
        rig.client.close();
        return rig.say({ kind: "close", code: "closed" });
      },
    ],
    ["the session ends for good", (rig: Rig) => rig.say({ kind: "close", code: "evicted" })],
  ])("ends when %s", async (_when, leave) => {
    const rig = await joined();
    const events = all(rig.chat.events("said"));
    await rig.say(said(1));

    await leave(rig);

    expect(await events).toEqual([[1]]);
  });

  test("ends when we are refused", async () => {
    const rig = new Rig();
    const events = all(rig.chat.events("said"));
    rig.chat.onRefused(() => {});

    await rig.attach({}, { kind: "refused", namespace: "/", reason: "full" });

    expect(await events).toEqual([]);
  });
});

test("a connect handler may wait for an answer: its call opens the gate for all that waits", async () => {
  const rig = new Rig();
  let answer: unknown;
  rig.chat.emit("early");
  rig.chat.onConnect(async () => {
    answer = await rig.chat.call("ask");
    rig.chat.emit("late");
  });

  await rig.attach();
  const first = rig.heard();
  await rig.say({ kind: "reply", id: 1, value: 42 });
  await settled();

  expect(first).toMatchObject([{ name: "early" }, { kind: "call" }]);
  expect(answer).toBe(42);
  expect(rig.heard()).toMatchObject([{ name: "late" }]);
});
