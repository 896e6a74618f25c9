/** The life of a client: how it connects, what its page does to it, and how it ends. */
import { describe, expect, test } from "vitest";
import { Client } from "../src/client.js";
import { ConnectionClosed, LocalProtocolError } from "../src/errors.js";
import type { Disconnected } from "../src/types.js";
import { attach, build, joined, URL_ } from "./clients.js";
import { FakeSocket, KEY, message, said, settled, welcome } from "./peers.js";

describe("connecting", () => {
  test("begins at once, and asks for the namespaces in Hello", async () => {
    const { client } = build();
    client.namespace("/a", { auth: { token: 1 } });
    client.namespace("/b");

    await FakeSocket.last.open();

    expect(FakeSocket.last.url).toBe("ws://here/antiphon");
    expect(FakeSocket.last.packets).toMatchObject([
      {
        kind: "hello",
        key: KEY,
        attempt: 1,
        joins: [
          ["/a", { token: 1 }],
          ["/b", null],
        ],
      },
    ]);
  });

  test("the state is told, with the transport", async () => {
    const { client, states } = build();

    await attach();

    expect([client.state, client.transport]).toEqual(["connected", "websocket"]);
    expect(states).toEqual([
      { state: "connected", previous: "connecting", transport: "websocket", reason: "", retryIn: null },
    ]);
  });

  test("a cut is told, and that nothing was lost by it", async () => {
    const { clock, states, losses } = await joined();
    states.length = 0;

    await FakeSocket.last.cut();
    await clock.advance(0.5);
    await attach({ resumed: true, next: 2 });

    expect(states).toMatchObject([
      { state: "waiting", previous: "connected", transport: null, reason: "lost", retryIn: 0.5 },
      { state: "connecting" },
      { state: "connected", transport: "websocket", resumed: true },
    ]);
    expect(losses).toEqual([]);
  });

  test("a restart of the server is told with its reason", async () => {
    const { clock, states, losses, chat } = await joined();
    const reasons: Disconnected[] = [];
    chat.onDisconnect((reason) => reasons.push(reason));
    await FakeSocket.last.cut();
    await clock.advance(0.5);

    await attach({ sid: "s2", reason: "server_restart" });

    expect(states.at(-1)).toMatchObject({ resumed: false, reason: "server_restart" });
    expect(losses).toMatchObject([{ reason: "server_restart", unconfirmed: [], unsent: [] }]);
    expect(reasons).toEqual([{ code: "server_restart", reason: "" }]);
    expect(chat.connected).toBe(false);
  });

  test("credentials are asked for at every join, and may take a while", async () => {
    const { client, clock } = build();
    let asked = 0;
    client.namespace("/", { auth: async () => ({ token: ++asked }) });
    await FakeSocket.last.open();
    const first = FakeSocket.last.packets;
    await FakeSocket.last.cut();
    await clock.advance(0.5);
    await FakeSocket.last.open();

    expect(first).toMatchObject([{ joins: [["/", { token: 1 }]] }]);
    expect(FakeSocket.last.packets).toMatchObject([{ joins: [["/", { token: 2 }]] }]);
  });

  test("credentials that cannot be had are told, and tried again", async () => {
    const { client, clock, errors } = build();
    client.namespace("/", {
      auth: () => {
        throw new Error("no token");
      },
    });

    await FakeSocket.last.open();
    await clock.advance(1);

    expect(errors).toContainEqual(new Error("no token"));
    expect(client.state).toBe("connecting");
  });

  test("without any transport it says so", () => {
    expect(() => new Client({ url: URL_, transports: [] })).toThrow(LocalProtocolError);
  });

  test("outside of a page the address has to be absolute", () => {
    expect(() => new Client({ url: "/antiphon" })).toThrow("Invalid URL");
  });

  test("where a WebSocket cannot be opened it polls", async () => {
    const requests: string[] = [];
    const { client, clock } = build({
      transports: ["websocket", "longpoll"],
      fetch: async (url) => {
        requests.push(url);
        return url.endsWith("attach") ? new Response(message(0, welcome())) : new Promise(() => {});
      },
    });

    await FakeSocket.last.cut();
    await clock.advance(0);
    await new Promise(setImmediate);
    await settled();

    expect(requests).toEqual([`${URL_}/attach`, `${URL_}/poll`]);
    expect(client.transport).toBe("longpoll");
  });
});

describe("the page", () => {
  test("that closes says so with the key in the body, and drops its link", async () => {
    const { page, socket, chat } = await joined();
    chat.emit("say", "last");

    page.listener?.("pagehide");

    expect(said(socket.sent)).toEqual(["last"]);
    expect(page.beacons.map(([url, text]) => [url, JSON.parse(text)])).toEqual([
      [`${URL_}/leave`, { session: "s1", key: KEY, attempt: 1 }],
    ]);
    expect(socket.closed).toBe(true);
  });

  test("that was kept comes back to its session", async () => {
    const { page, clock, states } = await joined();
    page.listener?.("pagehide");
    await settled();

    page.listener?.("pageshow");
    await settled();
    const before = FakeSocket.all.length;
    await clock.advance(0.25);
    await attach({ resumed: true, next: 2 });

    expect([before, FakeSocket.all.length]).toEqual([1, 2]);
    expect(states.map(({ state }) => state)).toContain("waiting");
  });

  test("that is shown for the first time changes nothing", async () => {
    const { client, page, clock, socket } = await joined();

    page.listener?.("pageshow");
    await clock.advance(1);

    expect([client.state, socket.closed, FakeSocket.all.length]).toEqual(["connected", false, 1]);
  });

  test("offline waits, online comes back soon", async () => {
    const { page, clock, client } = await joined();

    page.listener?.("offline");
    await clock.advance(100);
    const offline = [client.state, FakeSocket.all.length];
    page.listener?.("online");
    await clock.advance(0.25);

    expect(offline).toEqual(["waiting", 1]);
    expect(FakeSocket.all).toHaveLength(2);
  });

  test("that nobody looks at comes back later, and hurries when it is looked at", async () => {
    const { page, clock, socket } = await joined();
    page.listener?.("hidden");
    await socket.cut();

    await clock.advance(1.9);
    const hidden = FakeSocket.all.length;
    page.listener?.("visible");
    await clock.advance(0.1);

    expect([hidden, FakeSocket.all.length]).toEqual([1, 2]);
  });
});

describe("closing", () => {
  test("waits for acks, says goodbye and leaves nothing behind", async () => {
    const { client, chat, clock, page, losses, states, socket } = await joined();
    chat.emit("say", 1);
    const closed = client.close();
    await settled();
    const before = client.state;

    await socket.say(message(0, { kind: "ack", handed: 1 }));
    await closed;

    expect(before).toBe("connected");
    expect(socket.packets.at(-1)).toMatchObject({ kind: "close", code: "closed" });
    expect(states.at(-1)).toMatchObject({ state: "closed", reason: "closed" });
    expect(losses).toEqual([]);
    expect([clock.pending, page.listener, socket.closed]).toEqual([0, null, true]);
  });

  test("takes two seconds at most, and reports what was not confirmed", async () => {
    const { client, chat, clock, losses } = await joined();
    chat.emit("say", 1);
    const closed = client.close();

    await clock.advance(2);
    await closed;

    expect(losses).toMatchObject([{ reason: "closed", unconfirmed: [{ args: [1] }] }]);
  });

  test("while disconnected tells the server that the session need not be kept", async () => {
    const { client, page, socket } = await joined();
    await socket.cut();

    await client.close();

    expect(page.beacons).toHaveLength(1);
    expect(client.state).toBe("closed");
  });

  test("twice is as good as once", async () => {
    const { client } = build();

    await Promise.all([client.close(), client.close()]);

    expect(client.state).toBe("closed");
  });

  test("a closed client says so", async () => {
    const { client, chat } = await joined();
    await Promise.all([client.close(), FakeSocket.last.cut()]);

    expect(() => chat.emit("say")).toThrow(ConnectionClosed);
    expect(() => client.namespace("/other")).toThrow(ConnectionClosed);
  });

  test("a server that refuses for good closes the client, and gives back what waited", async () => {
    const { client, losses, states } = build();
    const chat = client.namespace();
    const call = chat.call("ask").catch((error) => error.name);
    chat.emit("say", 1);
    await FakeSocket.last.open();

    await FakeSocket.last.say(message(0, { kind: "refuse", code: "unauthorized", reason: "who?" }));

    expect(states.at(-1)).toMatchObject({ state: "closed", reason: "unauthorized" });
    expect(losses).toMatchObject([{ reason: "unauthorized", unsent: [{ name: "ask" }, { args: [1] }] }]);
    expect(await call).toBe("CallNotSent");
  });
});

test("the key shows nowhere but in Hello", async () => {
  const { client, chat } = await joined();

  expect(JSON.stringify([client, chat])).not.toContain(KEY);
  expect(Object.values(client).join()).not.toContain(KEY);
});
