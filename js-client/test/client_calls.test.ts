/** Calls as an application makes and answers them. */
import { describe, expect, test } from "vitest";
import { CallAbandoned, CallFailed } from "../src/errors.js";
import { attach, joined, packets } from "./clients.js";
import { message, settled } from "./peers.js";
import type { Recorded } from "./records.js";

describe("calls", () => {
  test("resolve with the reply", async () => {
    const { chat, socket } = await joined();

    const answer = chat.with({ timeout: 2 }).call("ask", 1);
    await settled();
    await socket.say(message(2, { kind: "reply", id: 1, value: [1, 2] }));

    await expect(answer).resolves.toEqual([1, 2]);
    expect(packets(socket, "call")).toMatchObject([{ id: 1, name: "ask", args: [1], timeout: 2000 }]);
  });

  test("take a timeout that the wire can carry, whatever was asked for", async () => {
    const { chat, socket } = await joined();

    for (const timeout of [-1, 1e30])
      chat
        .with({ timeout })
        .call("ask")
        .catch(() => {});
    await settled();

    expect(packets(socket, "call").map(({ timeout }) => timeout)).toEqual([0, undefined]);
  });

  test("reject with what the server told", async () => {
    const { chat, socket } = await joined();

    const answer = chat.call("ask");
    await settled();
    await socket.say(message(2, { kind: "failed", id: 1, code: "busy", message: "later" }));

    await expect(answer).rejects.toMatchObject({ name: "CallFailed", code: "busy", message: "later" });
  });

  test("time out while disconnected, too", async () => {
    const { chat, socket, clock } = await joined();
    const answer = chat.call("ask");
    const outcome = answer.catch((error) => error.name);
    await settled();

    await socket.cut();
    await clock.advance(31);

    expect(await outcome).toBe("CallTimeout");
  });

  test("reject when the session is lost, for the outcome is unknown", async () => {
    const { chat, socket, clock, losses } = await joined();
    const answer = chat.call("ask", 1);
    await settled();
    await socket.cut();
    await clock.advance(0.5);

    const lost = expect(answer).rejects.toThrow(CallAbandoned);
    await attach({ sid: "s2", reason: "expired", received: 1 });

    await lost;
    expect(losses).toMatchObject([{ unconfirmed: [{ name: "ask", args: [1], arrived: true }] }]);
  });

  test("reject rather than throw when they cannot be sent", async () => {
    const { chat } = await joined();

    await expect(chat.call("ask", new Date())).rejects.toMatchObject({ name: "PayloadError" });
  });

  test.each<[string, () => unknown, Partial<Recorded>]>([
    ["a value", () => 42, { kind: "reply", id: 5, value: 42 }],
    ["a promise", async () => "later", { kind: "reply", id: 5, value: "later" }],
    [
      "an error that it chose to tell",
      () => {
        throw new CallFailed("busy", "ask later", { seconds: 3 });
      },
      { kind: "failed", id: 5, code: "busy", message: "ask later", data: { seconds: 3 } },
    ],
  ])("of the server are answered by the handler: %s", async (_what, handler, answer) => {
    const { chat, socket, errors } = await joined();
    chat.on("ask", handler);

    await socket.say(message(2, { kind: "call", id: 5, namespace: "/", name: "ask", args: [] }));

    expect(socket.packets).toContainEqual(expect.objectContaining(answer));
    expect(errors).toEqual([]);
  });

  test("of the server that nobody listens to fail", async () => {
    const { socket } = await joined();

    await socket.say(message(2, { kind: "call", id: 5, namespace: "/", name: "ask", args: [] }));

    expect(packets(socket, "failed")).toMatchObject([{ id: 5, code: "unknown_event" }]);
  });

  test("of the server reach nobody after the namespace was left, and are told so", async () => {
    const { chat, socket } = await joined();
    const heard: unknown[] = [];
    chat.on("ask", () => heard.push("called"));
    chat.leave();

    await socket.say(message(2, { kind: "call", id: 5, namespace: "/", name: "ask", args: [] }));

    expect(heard).toEqual([]);
    // A caller without a timeout would wait for ever.
    expect(packets(socket, "failed")).toMatchObject([{ id: 5, code: "unknown_event" }]);
  });

  test.each<[string, () => unknown]>([
    ["throws", () => Promise.reject(new Error("secret"))],
    ["returns what cannot travel", () => new Date()],
  ])("of the server whose handler %s fail without details, which we learn", async (_what, handler) => {
    const { chat, socket, errors } = await joined();
    chat.on("ask", handler);

    await socket.say(message(2, { kind: "call", id: 5, namespace: "/", name: "ask", args: [] }));

    expect(packets(socket, "failed")).toMatchObject([{ id: 5, code: "error", message: "the handler failed" }]);
    expect(JSON.stringify(socket.packets)).not.toContain("secret");
    expect(errors).toHaveLength(1);
  });

  test("of a lost session are not answered in the next", async () => {
    const { chat, socket, clock } = await joined();
    let answer: (value: unknown) => void = () => {};
    chat.on("ask", () => new Promise((resolve) => (answer = resolve)));
    await socket.say(message(2, { kind: "call", id: 5, namespace: "/", name: "ask", args: [] }));
    await socket.cut();
    await clock.advance(0.5);
    const next = await attach({ sid: "s2", reason: "server_restart" });

    answer("late");
    await settled();

    expect(packets(next, "reply")).toEqual([]);
  });
});
