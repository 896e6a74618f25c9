/** The single-file build works as its sources do: shortened names broke nothing. */
import { readFile } from "node:fs/promises";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import type * as antiphon from "../src/index.js";
import { event, FakeSocket, message, packetsOf, settled, welcome } from "./peers.js";

const BUILT = new URL("../../framework/antiphon/browser/antiphon.js", import.meta.url);
const BUILD = new URL("../build.mjs", import.meta.url);

async function load(more: object = {}): Promise<{ names: typeof antiphon; page: EventTarget; beacons: string[] }> {
  const beacons: string[] = [];
  const page = new EventTarget();
  const sandbox = {
    ...{ TextEncoder, TextDecoder, AbortController, Uint8Array, ArrayBuffer, DataView, URL, btoa, crypto, performance },
    ...{ queueMicrotask, setTimeout, clearTimeout, reportError: () => {} },
    location: { href: "http://page/" },
    navigator: { sendBeacon: (url: string, text: string) => beacons.push(`${url} ${text}`) },
    WebSocket: FakeSocket,
    addEventListener: page.addEventListener.bind(page),
    ...more,
  };
  runInNewContext(await readFile(BUILT, "utf8"), sandbox);
  return { names: (sandbox as unknown as { antiphon: typeof antiphon }).antiphon, page, beacons };
}

test("it has every public name", async () => {
  const { names } = await load();

  const expected = await import("../src/index.js");

  expect(Object.keys(names).sort()).toEqual(Object.keys(expected).sort());
  expect(names.version).toBe(expected.version);
});

test("it is as small as its build demands", async () => {
  const [, demanded = ""] = /GZIP_LIMIT = ([\d_]+);/.exec(await readFile(BUILD, "utf8")) ?? [];
  const limit = Number(demanded.replace("_", ""));

  const { length } = gzipSync(await readFile(BUILT), { level: 9 });

  expect(limit).toBeGreaterThan(0);
  expect(length).toBeLessThanOrEqual(limit);
});

test("loading it opens no connection", async () => {
  FakeSocket.all = [];

  await load();

  expect(FakeSocket.all).toEqual([]);
});

test("it connects, hears, says, calls, resumes and leaves", async () => {
  const { names, page, beacons } = await load();
  const heard: unknown[] = [];
  const states: string[] = [];
  const client = new names.Client({ transports: ["websocket"], backoff: { first: 0.001 } });
  client.onState(({ state }) => states.push(state));
  client.onLoss(({ reason, unconfirmed }) => heard.push(reason, ...unconfirmed.flatMap(({ args }) => [...args])));
  const chat = client.namespace("/", { auth: { name: "Ann" } });
  chat.on("said", (value: unknown) => heard.push(value));
  chat.on("ask", (value: number) => value + 1);
  const socket = FakeSocket.last;
  await socket.open();
  await socket.say(message(0, welcome({ inbox: [9, 9999], heartbeat: [5000, 5000], message: 9999 })));
  await socket.say(message(1, { kind: "joined", namespace: "/", socket: "x" }));

  chat.emit("say", { text: "hi", bytes: new Uint8Array([1, 2]) });
  const answer = chat.with({ timeout: 5, repeatable: true, deadline: 5 }).call("ask", 2 ** 40);
  await settled();
  await socket.say(
    message(
      2,
      event({ deep: [1, -2, 3.5, null] }),
      { kind: "reply", id: 1, value: "yes" },
      { kind: "call", id: 3, namespace: "/", name: "ask", args: [41] },
      { kind: "ping", time: 4 },
    ),
  );
  await socket.cut();
  await new Promise((resolve) => setTimeout(resolve, 30));
  const second = FakeSocket.last;
  await second.open();
  await second.say(message(0, welcome({ sid: "s2", reason: "server_restart" })));
  page.dispatchEvent(new Event("pagehide"));
  const closed = client.close();

  await closed;
  expect(packetsOf(socket.sent)).toMatchObject([
    { kind: "hello", attempt: 1, joins: [["/", { name: "Ann" }]] },
    { kind: "ack", handed: 1 },
    { kind: "event", name: "say", args: [{ text: "hi", bytes: new Uint8Array([1, 2]) }] },
    { kind: "call", id: 1, args: [2 ** 40], timeout: 5000 },
    { kind: "pong", time: 4 },
    { kind: "ack", handed: 4 },
    { kind: "reply", id: 3, value: 42 },
  ]);
  expect(await answer).toBe("yes");
  expect(packetsOf(second.sent.slice(0, 1))).toMatchObject([
    { kind: "hello", attempt: 2, sid: "s1", epoch: "e1", received: 4 },
  ]);
  expect(heard.slice(0, 2)).toEqual([{ deep: [1, -2, 3.5, null] }, "server_restart"]);
  expect(states).toEqual(["connected", "waiting", "connecting", "connected", "waiting", "closed"]);
  expect(beacons[0]).toMatch(/^http:\/\/page\/antiphon\/leave \{"session":"s2","key":"[\w+/]{43}=","attempt":2\}$/);
  expect(() => chat.emit("say")).toThrow(names.ConnectionClosed);
});

test("what an application is told has its whole names", async () => {
  const { names } = await load();
  const told: unknown[] = [];
  const client = new names.Client({ transports: ["websocket"], backoff: { first: 0.001, base: 0.001 } });
  client.onState((change) => told.push(change));
  client.onLoss((loss) => told.push(loss));
  const chat = client.namespace("/");
  const other = client.namespace("/other");
  chat.onConnect((connected) => told.push(connected, chat.connected, chat.id));
  chat.onDisconnect((reason) => told.push(reason));
  other.onRefused((error) => told.push(error.name, { ...error }));
  const socket = FakeSocket.last;
  await socket.open();
  await socket.say(message(0, welcome()));
  const joined = { kind: "joined", namespace: "/", socket: "x" } as const;
  const refused = { kind: "refused", namespace: "/other", reason: "full", data: 7 } as const;
  await socket.say(message(1, joined, refused));
  chat.emit("say", 1);
  const call = chat.call("ask").catch((error) => told.push(error.name, { ...error }, error.message));
  await settled();
  await socket.say(message(3, { kind: "failed", id: 1, code: "busy", message: "later", data: 8 }));
  await call;
  await socket.say(message(0, { kind: "close", code: "kicked", reason: "spam" }));

  expect(told).toEqual([
    { state: "connected", previous: "connecting", transport: "websocket", reason: "", retryIn: null },
    { id: "x", resumed: false },
    true,
    "x",
    "ConnectionRefused",
    { namespace: "/other", reason: "full", data: 7 },
    "CallFailed",
    { code: "busy", data: 8 },
    "later",
    { code: "kicked", reason: "spam" },
    {
      reason: "kicked",
      detail: "spam",
      unconfirmed: [
        { namespace: "/", name: "say", args: [1], arrived: null },
        { namespace: "/", name: "ask", args: [], arrived: null },
      ],
      unsent: [],
      retryAfter: null,
    },
    { state: "closed", previous: "connected", transport: null, reason: "kicked", retryIn: null },
  ]);
  expect(new names.PayloadError("args[0]", "no")).toMatchObject({ name: "PayloadError", path: "args[0]" });
  expect(new names.ConnectionClosed("kicked", "spam")).toMatchObject({ code: "kicked", reason: "spam" });
});

test("it polls where no WebSocket can be opened", async () => {
  const requests: [url: string, init: RequestInit][] = [];
  const fetch = async (url: string, init: RequestInit) => {
    requests.push([url, init]);
    return url.endsWith("attach") ? new Response(message(0, welcome()) as BodyInit) : new Promise(() => {});
  };
  const { names } = await load({ fetch, WebSocket: undefined });
  const client = new names.Client({ transports: ["websocket", "longpoll"] });

  await new Promise((resolve) => setTimeout(resolve, 30));

  expect(client.transport).toBe("longpoll");
  expect(requests).toMatchObject([
    ["http://page/antiphon/attach", { method: "POST", headers: { "Content-Type": "application/msgpack" } }],
    [
      "http://page/antiphon/poll",
      { headers: { "Antiphon-Session": "s1", "Antiphon-Attempt": "1", "Antiphon-Request": "1" }, keepalive: false },
    ],
  ]);
  expect(packetsOf(requests.map(([, { body }]) => body as Uint8Array<ArrayBuffer>))).toMatchObject([
    { kind: "hello", version: 1, joins: [] },
    { kind: "ack", handed: 0 },
  ]);
});

test("it reads an event stream, proves who it is, renews that, and remembers what worked", async () => {
  const requests: [verb: string, init: RequestInit][] = [];
  const said = [
    message(0, welcome()),
    message(1, { kind: "joined", namespace: "/", socket: "x" }, { kind: "renew" }, event("hi")),
  ].map((data) => `data: ${Buffer.from(data).toString("base64")}\n\n`);
  const fetch = async (url: string, init: RequestInit) => {
    requests.push([url.replace(/.*\//, ""), init]);
    if (!url.endsWith("stream")) return new Response(null, { status: 204 });
    return new Response(new Blob(said).stream());
  };
  const localStorage = {};
  const { names } = await load({ fetch, WebSocket: undefined, atob, TextDecoderStream, localStorage });
  let asked = 0;
  const client = new names.Client({ auth: () => `token ${++asked}`, transports: ["sse"], backoff: { first: 9 } });
  const heard: unknown[] = [];
  client.namespace("/").on("said", (value: unknown) => heard.push(value));

  await new Promise((resolve) => setTimeout(resolve, 50));

  expect(heard).toEqual(["hi"]);
  expect(requests.map(([verb]) => verb)).toEqual(["stream", "push"]);
  expect(packetsOf(requests.map(([, { body }]) => body as Uint8Array<ArrayBuffer>))).toMatchObject([
    { kind: "hello", auth: "token 1", joins: [["/", null]] },
    { kind: "ack", handed: 3 },
    { kind: "renew", auth: "token 2" },
  ]);
  expect(localStorage).toEqual({ "antiphon http://page/antiphon": "sse" });
  expect(client.state).toBe("waiting");
});

test("it streams, both ways, and knows every option", async () => {
  const { names } = await load();
  const client = new names.Client({ transports: ["websocket"] });
  const chat = client.namespace("/");
  const told: unknown[] = [];
  chat.onAnyOutgoing((event: string) => told.push(event));
  const events = chat.events("said")[Symbol.asyncIterator]();
  chat.on("double", async function* (rows: AsyncIterable<number>) {
    for await (const row of rows) yield row * 2;
  });
  chat.on("wait", function () {
    return new Promise(() => this.signal?.addEventListener("abort", () => told.push("stopped")));
  });
  const socket = FakeSocket.last;
  await socket.open();
  await socket.say(message(0, welcome()));
  await socket.say(message(1, { kind: "joined", namespace: "/", socket: "x" }, event("hi")));
  socket.sent.length = 0;
  const stop = new AbortController();
  async function* rows() {
    yield "row";
  }

  chat.with({ latest: "ann" }).emit("pose", 1);
  chat.with({ latest: "ann" }).emit("pose", 2);
  chat.with({ volatile: true }).emit("cursor", 3);
  const counted = chat.with({ onItem: (item: number) => told.push(item) }).call("count", rows());
  const stopped = chat.with({ signal: stop.signal }).call("think");
  await settled();
  await socket.say(
    message(
      3,
      { kind: "credit", id: 1, stream: 1, limit: 32 },
      { kind: "item", id: 1, stream: 0, value: 4 },
      { kind: "end", id: 1, stream: 0 },
      { kind: "call", id: 1, namespace: "/", name: "double", args: [null], streams: [1], credit: 32 },
      { kind: "item", id: 1, stream: 1, value: 5 },
      { kind: "end", id: 1, stream: 1 },
      { kind: "call", id: 2, namespace: "/", name: "wait", args: [] },
      { kind: "cancel", id: 2 },
    ),
  );
  stop.abort("bored");

  expect(await counted).toBeUndefined();
  await expect(stopped).rejects.toBe("bored");
  await settled();
  expect((await events.next()).value).toEqual(["hi"]);
  expect(told).toEqual(["pose", "pose", "cursor", "count", "think", "stopped", 4]);
  const sent = packetsOf(socket.sent).filter(({ kind }) => kind !== "ack");
  expect(sent[2]?.timeout).toBeUndefined();
  expect(sent).toMatchObject([
    { kind: "event", args: [2] },
    { kind: "volatile", args: [3] },
    { kind: "call", name: "count", args: [null], streams: [1], credit: 32 },
    { kind: "call", name: "think", timeout: 30_000 },
    { kind: "credit", id: 1, stream: 1, limit: 32 },
    { kind: "item", id: 1, stream: 0, value: 10 },
    { kind: "end", id: 1, stream: 0 },
    { kind: "cancel", id: 2 },
  ]);
});
