/** Long-polling: which requests are made, what their answers mean, and what aborts them. */
import { expect, test } from "vitest";
import { FENCED } from "../../src/protocol/closing.js";
import { event, KEY, message, packetsOf, settled, welcome } from "../peers.js";
import { attached, binary, build, empty, type Request, read } from "../requests.js";

const verbs = (requests: readonly Request[]) => requests.map(({ verb }) => verb);

test("it is open at once, and tells so later", async () => {
  const { clock, told } = build();
  const before = told.length;

  await clock.advance(0);

  expect(before).toBe(0);
  expect(told).toEqual([["opened"]]);
});

test("the first message is an attach, without credentials in its headers", () => {
  const { port, requests, request } = build();

  port.write(message(0));

  expect(verbs(requests)).toEqual(["attach"]);
  expect(request(1).headers).toEqual({ "Content-Type": "application/msgpack" });
});

test("requests are POSTs, and the key is in no address", async () => {
  const { requests } = await attached();

  expect(requests.map(({ url }) => url)).toEqual(["http://here/antiphon/attach", "http://here/antiphon/poll"]);
  expect(requests.map(({ init }) => init.method)).toEqual(["POST", "POST"]);
});

test("after Welcome a poll is open, which says who we are and how far", async () => {
  const { request } = await attached();

  expect(request(2)).toMatchObject({
    verb: "poll",
    headers: {
      "Content-Type": "application/msgpack",
      "Antiphon-Session": "s1",
      "Antiphon-Key": KEY,
      "Antiphon-Attempt": "3",
      "Antiphon-Request": "1",
    },
  });
  expect(packetsOf([request(2).init.body as Uint8Array<ArrayBuffer>])).toEqual([{ kind: "ack", handed: 5 }]);
});

test("requests with credentials are counted", async () => {
  const { port, requests, request } = await attached();

  port.write(message(1, event(1)));
  await request(2).respond(empty());

  expect(requests.slice(1).map(({ headers }) => headers["Antiphon-Request"])).toEqual(["1", "2", "3"]);
});

test("anything but Welcome opens no poll", async () => {
  const { port, requests, request, told } = build();
  port.write(message(0));

  await request(1).respond(binary(0, { kind: "refuse", code: "try_later" }));

  expect(requests).toHaveLength(1);
  expect(told[0]?.[0]).toBe("received");
});

test("an answered poll is told as bytes, and followed by the next", async () => {
  const { requests, request, told } = await attached();

  await request(2).respond(binary(1, event(1)));

  expect(told[0]).toEqual(["received", message(1, event(1))]);
  expect(verbs(requests)).toEqual(["attach", "poll", "poll"]);
});

test("a poll that ends empty is followed by the next, and tells nothing", async () => {
  const { requests, request, told } = await attached();

  await request(2).respond(empty());

  expect(requests).toHaveLength(3);
  expect(told).toEqual([["drained"]]);
});

test("while a push is in flight no other is made, and a poll stays open beside it", async () => {
  const { port, requests, request, told } = await attached();

  port.write(message(1, event(1)));
  const during = port.congested;
  await request(3).respond(binary(0, { kind: "ack", handed: 1 }));

  expect([during, port.congested]).toEqual([true, false]);
  expect(requests.map(({ verb, aborted }) => [verb, aborted]).slice(1)).toEqual([
    ["poll", false],
    ["push", false],
  ]);
  expect(told.map(([what]) => what)).toEqual(["received", "drained"]);
});

test("a small push outlives its page, a large one could not", async () => {
  const { requests, request, port } = await attached();
  port.write(message(1, event(1)));
  await request(3).respond(binary(0, { kind: "ack", handed: 1 }));

  port.write(message(2, event("x".repeat(20_000))));

  expect(requests.slice(1).map(({ init }) => init.keepalive)).toEqual([false, true, false]);
});

test.each<[string, (poll: Request) => Promise<void>, unknown[]]>([
  ["no answer", (poll) => poll.fail(), ["lost", 0, ""]],
  ["401", (poll) => poll.respond(new Response("unknown session", { status: 401 })), ["lost", 0, "401 unknown session"]],
  ["fenced", (poll) => poll.respond(new Response("fenced:7\n", { status: 409 })), ["lost", FENCED, "7"]],
  ["a server that fails", (poll) => poll.respond(new Response("", { status: 502 })), ["lost", 0, "502"]],
])("%s loses the transport", async (_what, answer, expected) => {
  const { request, told } = await attached();

  await answer(request(2));

  expect(told[0]).toEqual(expected);
});

test.each([
  ["an attach", 20, 1],
  ["a poll", 40, 2],
  ["a push", 20, 3],
])("%s that takes more than %d seconds is given up", async (_what, seconds, number) => {
  const { clock, port, request, told } = number === 1 ? build() : await attached();
  if (number === 1) port.write(message(0));
  if (number === 3) port.write(message(1, event(1)));

  await clock.advance(seconds - 1);
  const before = request(number).aborted;
  await clock.advance(1);

  expect([before, request(number).aborted]).toEqual([false, true]);
  expect(told).toContainEqual(["lost", 0, ""]);
});

test("once closed it asks for nothing and tells nothing", async () => {
  const { port, requests, request, told } = await attached();

  port.close();
  await request(2).respond(binary(1, event(1)));
  port.write(message(1, event(1)));

  expect(requests).toHaveLength(2);
  expect(told).toEqual([]);
  expect(port.congested).toBe(true);
});

test("whoever is told may close it: then no poll follows", async () => {
  const { port, requests, request, told, hook } = await attached();
  hook.received = () => port.close();

  await request(2).respond(binary(1, event(1)));

  expect(requests).toHaveLength(2);
  expect(told.map(([what]) => what)).toEqual(["received"]);
});

test("of an attach that another follows, the answer says nothing", async () => {
  const { port, requests, request, told } = build();
  port.write(message(0, { kind: "ping", time: 1 }));
  port.write(message(0));

  await request(1).respond(binary(0, welcome()));

  expect(requests.map(({ verb, aborted }) => [verb, aborted])).toEqual([
    ["attach", true],
    ["attach", false],
  ]);
  expect(told).toEqual([]);
});

test("closing aborts the poll, but not the push, which may hold the goodbye", async () => {
  const { requests, port, told } = await attached();
  port.write(message(0, { kind: "close", code: "closed" }));

  port.close();
  await settled();

  expect(requests.slice(1).map(({ aborted }) => aborted)).toEqual([true, false]);
  expect(told).toEqual([]);
});

test("the goodbye of a session that is forgotten still says whose it is", async () => {
  const { port, requests } = await attached();

  port.write(message(0, { kind: "close", code: "closed" }));

  expect(requests.at(-1)?.headers).toMatchObject({ "Antiphon-Session": "s1" });
});

test("nothing is waited for once the answer is there", async () => {
  const { clock, request } = await attached();

  await request(2).respond(empty());
  await read();

  // That of the port's opening, and that of the poll that is open.
  expect(clock.pending).toBe(2);
});
