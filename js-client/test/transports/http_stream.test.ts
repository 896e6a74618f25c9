/** An event stream over HTTP: how it is asked for, what comes on it, and what ends it. */
import { expect, test } from "vitest";
import { FENCED } from "../../src/protocol/closing.js";
import { event, KEY, message, welcome } from "../peers.js";
import { binary, build, empty, type Request, read, stream, streaming } from "../requests.js";

test("it is asked for by the Hello, without credentials in its headers", () => {
  const { port, requests, request } = build(true);

  port.write(message(0));

  expect(requests).toMatchObject([{ url: "http://here/antiphon/stream", init: { method: "POST" } }]);
  expect(request(1).headers).toEqual({ "Content-Type": "application/msgpack" });
  expect([port.single, port.pings]).toEqual([true, true]);
});

test("it brings every message as it comes, binary ones in base64", async () => {
  const { port, request, told } = build(true);
  const { response, hear } = stream();
  port.write(message(0));
  await request(1).respond(response);

  await hear(message(0, welcome()));
  await hear(message(1, event("é")));

  expect(told).toEqual([
    ["received", message(0, welcome())],
    ["received", message(1, event("é"))],
  ]);
});

test("nothing is polled for, and what is said is pushed", async () => {
  const { port, requests, request, told, server } = await streaming();

  await server.hear(message(1, event(1)));
  port.write(message(1, event(2)));
  const during = port.congested;
  await request(2).respond(empty());

  expect([during, port.congested]).toEqual([true, false]);
  expect(requests).toMatchObject([
    { verb: "stream" },
    {
      verb: "push",
      headers: {
        "Antiphon-Session": "s1",
        "Antiphon-Key": KEY,
        "Antiphon-Attempt": "3",
        "Antiphon-Request": "1",
      },
    },
  ]);
  expect(told).toEqual([["received", message(1, event(1))], ["drained"]]);
});

test("it is not taken for alive because pushes are answered", async () => {
  const { port, request, told } = await streaming();

  port.write(message(1, event(1)));
  await request(2).respond(binary(0, { kind: "ack", handed: 1 }));

  expect(told.map(([what]) => what)).not.toContain("received");
});

test("of a session in text it brings text", async () => {
  const { port, request, told } = build(true);
  const { response, say } = stream();
  port.write("[0,0]");
  await request(1).respond(response);

  await say("data: [0,0,[37,1,2]]");

  expect(told[0]).toEqual(["received", "[0,0,[37,1,2]]"]);
});

test.each<[string, (server: ReturnType<typeof stream>) => Promise<void>, unknown[]]>([
  ["cut", (server) => server.cut(), ["lost", 0, ""]],
  ["ended", (server) => server.end(), ["lost", 0, ""]],
  ["closed", (server) => server.say("event: close", "data: expired:too late"), ["lost", 0, "expired:too late"]],
  ["fenced", (server) => server.say("event: close", "data: fenced:7"), ["lost", FENCED, "7"]],
  ["said what is no base64", (server) => server.say("data: !"), ["lost", 0, ""]],
])("that it was %s is the end of the transport", async (_what, end, expected) => {
  const { told, server } = await streaming();

  await end(server);

  expect(told[0]).toEqual(expected);
});

test.each<[string, (asked: Request) => Promise<void>, unknown[]]>([
  ["refused", (asked) => asked.respond(new Response("no form", { status: 415 })), ["lost", 0, "415 no form"]],
  ["out of reach", (asked) => asked.fail(), ["lost", 0, ""]],
])("a server that is %s, too", async (_what, answer, expected) => {
  const { port, request, told } = build(true);
  port.write(message(0));

  await answer(request(1));

  expect(told[0]).toEqual(expected);
});

test("that of a probe is ended when the next is opened, and the next when the port is closed", async () => {
  const { port, requests, request } = build(true);
  port.write(message(0, { kind: "ping", time: 1 }));

  port.write(message(0));
  const between = requests.map(({ aborted }) => aborted);
  port.close();

  expect(between).toEqual([true, false]);
  expect(request(2).aborted).toBe(true);
});

test("that of a probe counts no more when the Hello is said, whatever still comes on it", async () => {
  const { port, requests, request, told } = build(true);
  const { response, hear, cut } = stream();
  port.write(message(0, { kind: "ping", time: 1 }));
  await request(1).respond(response);
  await hear(message(0, { kind: "pong", time: 1, now: 1 }));
  port.write(message(0));
  told.length = 0;

  await hear(message(0, welcome()));
  await cut();

  expect(requests.map(({ verb }) => verb)).toEqual(["stream", "stream"]);
  expect(told).toEqual([]);
});

test("closed by us, it brings nothing any more", async () => {
  const { port, told, server } = await streaming();

  port.close();
  await server.hear(message(1, event(1)));

  expect(told).toEqual([]);
  expect(port.congested).toBe(true);
});

test("it is kept open for the push that may hold the goodbye", async () => {
  const { port, requests, request, told } = await streaming();
  port.write(message(1, event(1)));

  port.close();
  const between = requests.map(({ aborted }) => aborted);
  await request(2).respond(empty());

  expect(between).toEqual([false, false]);
  expect(request(1).aborted).toBe(true);
  expect(told).toEqual([]);
});

test("it may be silent for as long as it likes", async () => {
  const { clock, told, request } = await streaming();
  await clock.advance(0);
  told.length = 0;

  await clock.advance(1000);
  await read();

  expect(request(1).aborted).toBe(false);
  expect(told).toEqual([]);
});
