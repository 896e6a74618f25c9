/** The client as an application uses it, against a server that the test plays. */
import { beforeEach, describe, expect, test } from "vitest";
import { Client } from "../src/client.js";
import {
  CallAbandoned,
  CallFailed,
  CallNotSent,
  ConnectionClosed,
  ConnectionRefused,
  LocalProtocolError,
} from "../src/errors.js";
import type { Namespace } from "../src/namespace.js";
import type { Packet, Welcome } from "../src/protocol/packets.js";
import type { ClientOptions, Disconnected, Loss, StateChange } from "../src/types.js";
import {
  event,
  FakePage,
  FakeSocket,
  FixedRandom,
  KEY,
  ManualClock,
  message,
  said,
  settled,
  welcome,
} from "./peers.js";

const URL_ = "http://here/antiphon";

beforeEach(() => {
  FakeSocket.all = [];
});

interface Built {
  readonly client: Client;
  readonly clock: ManualClock;
  readonly page: FakePage;
  readonly states: StateChange[];
  readonly losses: Loss[];
  readonly errors: unknown[];
}

function build(options: ClientOptions = {}): Built {
  const clock = new ManualClock();
  const page = new FakePage();
  const client = new Client(
    { url: URL_, WebSocket: FakeSocket, transports: ["websocket"], ...options },
    { clock, lifecycle: page, random: new FixedRandom() },
  );
  const built: Built = { client, clock, page, states: [], losses: [], errors: [] };
  client.onState((change) => built.states.push(change));
  client.onLoss((loss) => built.losses.push(loss));
  client.onError((error) => built.errors.push(error));
  return built;
}

/** The newest socket opens, and the server welcomes it. */
async function attach(changes: Partial<Welcome> = {}): Promise<FakeSocket> {
  const socket = FakeSocket.last;
  await socket.open();
  await socket.say(message(0, welcome(changes)));
  return socket;
}

/** Connected and let into "/"; the server's next number is 2. */
async function joined(options: ClientOptions = {}): Promise<Built & { chat: Namespace; socket: FakeSocket }> {
  const built = build(options);
  const chat = built.client.namespace();
  const socket = await attach();
  await socket.say(message(1, { kind: "joined", namespace: "/", socket: "x1" }));
  socket.sent.length = 0;
  return { ...built, chat, socket };
}

function packets(socket: FakeSocket, kind: Packet["kind"]): Packet[] {
  return socket.packets.filter((packet) => packet.kind === kind);
}

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

    expect(packets(socket, "call")).toMatchObject([{ timeout: 0 }, { timeout: null }]);
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

  test.each<[string, () => unknown, Partial<Packet>]>([
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

describe("the page", () => {
  test("that closes says so with the key in the body, and drops its link", async () => {
    const { page, socket, chat } = await joined();
    chat.emit("say", "last");

    page.listener?.("leave");

    expect(said(socket.sent)).toEqual(["last"]);
    expect(page.beacons.map(([url, text]) => [url, JSON.parse(text)])).toEqual([
      [`${URL_}/leave`, { session: "s1", key: KEY, attempt: 1 }],
    ]);
    expect(socket.closed).toBe(true);
  });

  test("that was kept comes back to its session", async () => {
    const { page, states } = await joined();
    page.listener?.("leave");
    await settled();

    page.listener?.("back");
    await settled();
    const clockless = FakeSocket.all.length;
    await attach({ resumed: true, next: 2 });

    expect(clockless).toBe(1);
    expect(states.map(({ state }) => state)).toContain("waiting");
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
