/** The single-file build works as its sources do: shortened names broke nothing. */
import { readFile } from "node:fs/promises";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import type * as antiphon from "../src/index.js";
import { codec, event, FakeSocket, message, packetsOf, settled, welcome } from "./peers.js";

const BUILT = new URL("../../framework/antiphon/browser/antiphon.js", import.meta.url);

async function load(): Promise<{ names: typeof antiphon; page: EventTarget; beacons: string[] }> {
  const beacons: string[] = [];
  const page = new EventTarget();
  const sandbox = {
    ...{ TextEncoder, TextDecoder, AbortController, Uint8Array, ArrayBuffer, DataView, URL, btoa, crypto, performance },
    ...{ queueMicrotask, setTimeout, clearTimeout, reportError: () => {} },
    location: { href: "http://page/" },
    navigator: { sendBeacon: (url: string, text: string) => beacons.push(`${url} ${text}`) },
    WebSocket: FakeSocket,
    addEventListener: page.addEventListener.bind(page),
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
  expect(codec.decode(second.sent[0] as Uint8Array<ArrayBuffer>).packets).toMatchObject([
    { kind: "hello", attempt: 2, sid: "s1", epoch: "e1", received: 4 },
  ]);
  expect(heard.slice(0, 2)).toEqual([{ deep: [1, -2, 3.5, null] }, "server_restart"]);
  expect(states).toEqual(["connected", "waiting", "connecting", "connected", "waiting", "closed"]);
  expect(beacons[0]).toMatch(/^http:\/\/page\/antiphon\/leave \{"session":"s2","key":"[\w-]{43}","attempt":2\}$/);
  expect(() => chat.emit("say")).toThrow(names.ConnectionClosed);
});
