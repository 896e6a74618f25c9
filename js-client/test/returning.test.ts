/** When a client comes back, and by what: drained servers, impatient people, and what worked on the last visit. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Platform } from "../src/client.js";
import { Client } from "../src/client.js";
import { ConnectionClosed } from "../src/errors.js";
import type { ClientOptions, StateChange } from "../src/types.js";
import { FakePage, FakeSocket, FixedRandom, ManualClock, message, said, welcome } from "./peers.js";

const URL_ = "http://here/antiphon";

beforeEach(() => {
  FakeSocket.all = [];
});

function build(options: ClientOptions = {}, platform: Partial<Platform> = {}) {
  const clock = new ManualClock();
  const page = new FakePage();
  const client = new Client(
    { url: URL_, WebSocket: FakeSocket, transports: ["websocket"], ...options },
    { clock, lifecycle: page, random: new FixedRandom(), ...platform },
  );
  const states: StateChange[] = [];
  client.onState((change) => states.push(change));
  return { client, clock, page, states, chat: client.namespace() };
}

async function attach(): Promise<FakeSocket> {
  const socket = FakeSocket.last;
  await socket.open();
  await socket.say(message(0, welcome()));
  await socket.say(message(1, { kind: "joined", namespace: "/", socket: "x" }));
  return socket;
}

describe("a server that drains", () => {
  test("sees us again when it said, not earlier whatever happens here, with what was not sent", async () => {
    const { client, clock, page, states, chat } = build();
    const reasons: unknown[] = [];
    chat.onDisconnect((disconnected) => reasons.push(disconnected));
    const first = await attach();
    await first.say(message(0, { kind: "close", code: "draining", reason: "deploy", retryAfter: 8000 }));
    chat.emit("say", "meanwhile");

    page.listener?.("visible");
    page.listener?.("offline");
    page.listener?.("online");
    client.retry();
    await clock.advance(7.9);
    const early = FakeSocket.all.length;
    await clock.advance(0.1);
    const next = await attach();

    expect(early).toBe(1);
    expect(FakeSocket.all).toHaveLength(2);
    expect(reasons).toEqual([{ code: "draining", reason: "deploy" }]);
    expect(states[1]).toMatchObject({ state: "waiting", reason: "draining", retryIn: 8 });
    expect(said(next.sent)).toEqual(["meanwhile"]);
  });

  test("says the same to a Hello", async () => {
    const { clock, states } = build();
    await FakeSocket.last.open();

    await FakeSocket.last.say(message(0, { kind: "refuse", code: "draining", retryAfter: 5000 }));
    await clock.advance(4.9);
    const early = FakeSocket.all.length;
    await clock.advance(0.1);

    expect([early, FakeSocket.all.length]).toEqual([1, 2]);
    expect(states[0]).toMatchObject({ state: "waiting", reason: "draining", retryIn: 5 });
  });
});

describe("retry", () => {
  test("tries at once instead of after the backoff", async () => {
    const { client, clock, states } = build();
    const socket = await attach();
    await socket.cut();

    client.retry();
    await clock.advance(0);

    expect(FakeSocket.all).toHaveLength(2);
    expect(states[1]).toMatchObject({ state: "waiting", retryIn: 0.5 });
  });

  test("changes nothing while connected", async () => {
    const { client, clock } = build();
    await attach();

    client.retry();
    await clock.advance(1);

    expect(FakeSocket.all).toHaveLength(1);
  });
});

test("nobody knows when the next try is while the machine is offline", async () => {
  const { page, states } = build();
  await attach();

  page.listener?.("offline");

  expect(states.at(-1)).toMatchObject({ state: "waiting", reason: "offline", retryIn: null });
});

describe("what worked", () => {
  test("is remembered for the address, and tried first on the next visit", async () => {
    const known = new Map([[URL_, "longpoll"]]);
    const requests: string[] = [];
    const fetch = (url: string) => {
      requests.push(url);
      return new Promise<Response>(() => {});
    };
    const remember = (url: string, kind?: string) => {
      if (kind) known.set(url, kind);
      return known.get(url);
    };
    const { clock } = build({ transports: ["websocket", "sse", "longpoll"], fetch }, { remember });

    await clock.advance(0);
    const first = [...requests];
    await clock.advance(11);
    await attach();

    expect(first).toEqual([`${URL_}/attach`]);
    expect(known).toEqual(new Map([[URL_, "websocket"]]));
  });
});

test("a client that says goodbye lets nobody into a namespace any more", async () => {
  const { client } = build();
  await attach();

  client.close();

  expect(() => client.namespace("/late")).toThrow(ConnectionClosed);
});
