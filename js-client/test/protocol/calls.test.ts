/** Which packet belongs to which stream of which call, and what a call comes to. */
import { describe, expect, test } from "vitest";
import { failed } from "../../src/protocol/calls.js";
import { CREDIT, END, ITEM } from "../../src/protocol/packets.js";
import { Flow } from "../../src/protocol/streams.js";
import { joinedSession } from "../peers.js";

describe("the calls of a session", () => {
  function opened(call: number, stream: number) {
    const session = joinedSession().session;
    const flow = new Flow(session, call, stream, 4);
    return { session, calls: session.calls, flow };
  }

  test.each([
    ["an item of our call's answer", 7, 0, "item", true],
    ["an item of the peer's call's answer", -7, 0, "item", false],
    ["an item of an argument of the peer's call", -7, 2, "item", true],
    ["an item of an argument of our call", 7, 2, "item", false],
    ["credit for an argument of our call", 7, 2, "credit", true],
    ["credit for an argument of the peer's call", -7, 2, "credit", false],
    ["credit for the answer to the peer's call", -7, 0, "credit", true],
    ["credit for the answer to our call", 7, 0, "credit", false],
  ] as const)("know %s", (_what, call, stream, kind, known) => {
    const { calls, flow } = opened(call, stream);

    const allowed = calls.receive(kind === "item" ? [ITEM, 7, stream, 1] : [CREDIT, 7, stream, 9], 1);

    expect(allowed).toBe(true);
    expect(flow.waiting.length > 0 || flow.limit > 4).toBe(known);
  });

  test("an end tells as Failed does", async () => {
    const { calls, flow } = opened(-7, 1);

    calls.receive([END, 7, 1, ["busy", "later", 5]], 1);

    await expect(flow[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "busy",
      message: "later",
      data: 5,
    });
  });

  test("end with their call, and what comes then is dropped", () => {
    const { calls, flow } = opened(7, 0);

    calls.close(7);

    expect([flow.over, calls.size, calls.receive([ITEM, 7, 0], 1)]).toEqual([true, 0, true]);
  });
});

test.each([
  [null, undefined],
  [["busy", "later", 5], { code: "busy", message: "later", data: 5 }],
  [["busy"], { code: "busy", message: "busy", data: null }],
] as const)("an End with %j is read", (error, expected) => {
  const found = failed([END, 1, 0, error]);

  if (expected) expect(found).toMatchObject(expected);
  else expect(found).toBeUndefined();
});
