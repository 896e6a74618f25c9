/** Events as an application hears and says them, and the gate that some wait at. */
import { describe, expect, test } from "vitest";
import { CallNotSent, ConnectionRefused, LocalProtocolError } from "../src/errors.js";
import type { Disconnected } from "../src/types.js";
import { attach, build, joined, packets } from "./clients.js";
import { event, message, said, settled } from "./peers.js";

describe("hearing", () => {
  test("handlers are called with the arguments, in order", async () => {
    const { chat, socket } = await joined();
    const heard: unknown[] = [];
    chat.onAny((name, ...args) => heard.push([name, ...args]));
    chat.on("said", (value: unknown) => heard.push(value));

    await socket.say(message(2, event(1), event(new Uint8Array([7]))));

    expect(heard).toEqual([["said", 1], 1, ["said", new Uint8Array([7])], new Uint8Array([7])]);
  });

  test("once is once, and off is off", async () => {
    const { chat, socket } = await joined();
    const heard: unknown[] = [];
    const handler = (value: unknown) => heard.push(`on ${value}`);
    chat.once("said", (value: unknown) => heard.push(`once ${value}`));
    chat.on("said", handler);

    await socket.say(message(2, event(1)));
    chat.off("said", handler);
    await socket.say(message(3, event(2)));

    expect(heard).toEqual(["once 1", "on 1"]);
  });

  test("an exception in a handler is told, and the session goes on", async () => {
    const { chat, socket, errors, client } = await joined();
    const heard: unknown[] = [];
    chat.on("said", (value: unknown) => {
      heard.push(value);
      throw new Error(`bad ${value}`);
    });

    await socket.say(message(2, event(1), event(2)));

    expect(heard).toEqual([1, 2]);
    expect(errors).toEqual([new Error("bad 1"), new Error("bad 2")]);
    expect(client.state).toBe("connected");
  });

  test("what the server says while it lets us in is heard", async () => {
    const { client } = build();
    const chat = client.namespace();
    const heard: unknown[] = [];
    chat.on("said", (value: unknown) => heard.push(value));
    const socket = await attach();

    await socket.say(message(1, event(1)));

    expect(chat.connected).toBe(false);
    expect(heard).toEqual([1]);
  });

  test("after leaving nothing is heard", async () => {
    const { chat, socket } = await joined();
    const heard: unknown[] = [];
    const reasons: Disconnected[] = [];
    chat.on("said", (value: unknown) => heard.push(value));
    chat.onDisconnect((reason) => reasons.push(reason));

    chat.leave();
    await socket.say(message(2, event(1)));

    expect(heard).toEqual([]);
    expect(reasons).toEqual([{ code: "left", reason: "" }]);
    expect(packets(socket, "leave")).toHaveLength(1);
  });

  test("being put out is told with its reason", async () => {
    const { chat, socket } = await joined();
    const reasons: Disconnected[] = [];
    chat.onDisconnect((reason) => reasons.push(reason));

    await socket.say(message(2, { kind: "leave", namespace: "/", reason: "spam" }));

    expect(reasons).toEqual([{ code: "put_out", reason: "spam" }]);
    expect(() => chat.emit("say")).toThrow(LocalProtocolError);
  });
});

describe("saying", () => {
  test("what is emitted in one turn leaves in one message", async () => {
    const { chat, socket } = await joined();

    chat.emit("say", 1);
    chat.emit("say", 2);
    await settled();

    expect(socket.messages).toMatchObject([{ number: 1, counted: 2 }]);
  });

  test("what is emitted before the connect handler is done waits for it", async () => {
    const { client } = build();
    const chat = client.namespace();
    chat.emit("say", "early");
    let release = () => {};
    chat.onConnect(async ({ id, resumed }) => {
      expect([id, resumed]).toEqual(["x1", false]);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      chat.emit("say", "handler");
    });
    const socket = await attach();
    await socket.say(message(1, { kind: "joined", namespace: "/", socket: "x1" }));
    const before = said(socket.sent);

    release();
    await settled();

    expect(before).toEqual([]);
    expect(said(socket.sent)).toEqual(["early", "handler"]);
    expect([chat.connected, chat.id]).toEqual([true, "x1"]);
  });

  test("the connect handler may clear what waits", async () => {
    const { client } = build();
    const chat = client.namespace();
    chat.emit("say", "old");
    const call = chat.call("ask");
    chat.onConnect(() => chat.clear());
    const socket = await attach();

    await socket.say(message(1, { kind: "joined", namespace: "/", socket: "x1" }));

    await expect(call).rejects.toThrow(CallNotSent);
    expect(said(socket.sent)).toEqual([]);
  });

  test("a connect handler that is overtaken by a lost session does not open the next gate", async () => {
    const { client, clock } = build();
    const chat = client.namespace();
    const releases: (() => void)[] = [];
    chat.onConnect(() => new Promise<void>((resolve) => releases.push(resolve)));
    chat.emit("say", 1);
    const first = await attach();
    await first.say(message(1, { kind: "joined", namespace: "/", socket: "x1" }));
    await first.cut();
    await clock.advance(0.5);
    const second = await attach({ sid: "s2", reason: "unknown" });
    await second.say(message(1, { kind: "joined", namespace: "/", socket: "x2" }));

    releases[0]?.();
    await settled();
    const early = said(second.sent);
    releases[1]?.();
    await settled();

    expect([early, said(second.sent)]).toEqual([[], [1]]);
  });

  test("a deadline drops what could not be sent by then", async () => {
    const { client, clock } = build();
    const chat = client.namespace();
    chat.with({ deadline: 5 }).emit("say", "stale");
    chat.emit("say", "kept");
    await clock.advance(6);
    await clock.advance(10);
    const socket = await attach();

    await socket.say(message(1, { kind: "joined", namespace: "/", socket: "x1" }));

    expect(said(socket.sent)).toEqual(["kept"]);
  });

  test("a refused namespace tells why", async () => {
    const { client, errors } = build();
    const chat = client.namespace();
    const refusals: ConnectionRefused[] = [];
    chat.onRefused((error) => refusals.push(error));
    const socket = await attach();

    await socket.say(message(1, { kind: "refused", namespace: "/", reason: "full", data: 9 }));

    expect(refusals).toMatchObject([{ namespace: "/", reason: "full", data: 9 }]);
    expect(errors).toEqual([]);
    expect(() => chat.emit("say")).toThrow(LocalProtocolError);
  });

  test("a refusal that nobody listens to is told as an error", async () => {
    const { client, errors } = build();
    client.namespace();
    const socket = await attach();

    await socket.say(message(1, { kind: "refused", namespace: "/", reason: "full" }));

    expect(errors).toMatchObject([{ constructor: ConnectionRefused }]);
  });
});
