/** One client per address, made when it is first asked for. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { absolute } from "../src/client.js";
import { connect } from "../src/connect.js";
import { FakeSocket, settled } from "./peers.js";

beforeEach(() => {
  FakeSocket.all = [];
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("namespaces of one address share a client, those of another have their own", () => {
  const options = { url: "http://shared/antiphon", WebSocket: FakeSocket };

  connect("/a", options);
  connect("/b", { ...options, url: "ws://shared/antiphon/" });
  connect("/a", { ...options, url: "http://other/antiphon" });

  expect(FakeSocket.all.map(({ url }) => url)).toEqual(["ws://shared/antiphon", "ws://other/antiphon"]);
});

test("the same namespace is the same object", () => {
  const options = { url: "http://same/antiphon", WebSocket: FakeSocket };

  expect(connect("/a", options)).toBe(connect("/a", options));
});

test("credentials are for the namespace, and for the client that is made for it", async () => {
  const options = { url: "http://guarded/antiphon", WebSocket: FakeSocket, auth: "token" };
  connect("/", options);
  connect("/other", { ...options, auth: "another" });
  await settled();

  await FakeSocket.last.open();

  expect(FakeSocket.last.packets).toMatchObject([
    {
      kind: "hello",
      auth: "token",
      joins: [
        ["/", "token"],
        ["/other", "another"],
      ],
    },
  ]);
});

test("events can be given types, and without them are free", () => {
  const options = { url: "http://typed/antiphon", WebSocket: FakeSocket };
  const typed = connect<{ said: (who: string, text: string) => void }, { say: (text: string) => number }>("/", options);
  const free = connect("/free", options);

  typed.on("said", (who, text) => `${who.length}${text.length}`);
  typed.emit("say", "hello");
  const count: Promise<number> = typed.call("say", "hello");
  count.catch(() => {});
  // @ts-expect-error a text is what say takes
  typed.emit("say", 1);
  // @ts-expect-error nobody says this
  typed.emit("sya", "hello");
  free.on("anything", (value: string) => value);
  free.emit("anything", 1, "two", [3]);

  expect(typed).not.toBe(free);
});

test.each([
  ["/antiphon", "https://page:8443/antiphon"],
  ["rt/", "https://page:8443/app/rt"],
  ["wss://elsewhere/antiphon", "https://elsewhere/antiphon"],
  ["ws://elsewhere:80/a?b#c", "http://elsewhere/a"],
])("%s is relative to the page", (url, expected) => {
  vi.stubGlobal("location", { href: "https://page:8443/app/index.html" });

  expect(absolute(url)).toBe(expected);
});
