/** Long-polling over fetch: how requests are made, and what aborts them. */
import { expect, test } from "vitest";
import { HttpPort } from "../../src/transports/polling.js";
import { codec, event, KEY, ManualClock, message, settled, welcome } from "../peers.js";

const OWNER = { codec, key: KEY, attempt: 1, progress: () => ({ kind: "ack", handed: 0 }) as const };

interface Request {
  readonly url: string;
  readonly init: RequestInit;
  respond(response: Response): Promise<void>;
}

function binary(...parts: Parameters<typeof message>): Response {
  return new Response(message(...parts));
}

function build(pings = false) {
  const clock = new ManualClock();
  const told: unknown[][] = [];
  const requests: Request[] = [];
  const port: HttpPort = new HttpPort(
    (url, init) =>
      new Promise((resolve, reject) => {
        init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
        requests.push({
          url,
          init,
          respond: async (response) => {
            resolve(response);
            // A body is read over several turns of the loop, not only over promises.
            await new Promise(setImmediate);
            await settled();
          },
        });
      }),
    "http://here/antiphon",
    clock,
    OWNER,
    {
      opened: () => told.push(["opened"]),
      received: (data) => {
        told.push(["received", data]);
        if (codec.decode(data).packets[0]?.kind === "welcome") port.welcomed("s1");
      },
      drained: () => told.push(["drained"]),
      lost: (code, reason) => told.push(["lost", code, reason]),
    },
    pings,
  );
  return { clock, told, requests, port };
}

async function attached() {
  const built = build();
  built.port.write(message(0, welcome()));
  await built.requests[0]?.respond(binary(0, welcome()));
  built.told.length = 0;
  return built;
}

test("it is open at once, and tells so later", async () => {
  const { clock, told } = build();
  const before = told.length;

  await clock.advance(0);

  expect(before).toBe(0);
  expect(told).toEqual([["opened"]]);
});

test("requests are POSTs, and the key is in no address", async () => {
  const { requests } = await attached();

  expect(requests.map(({ url }) => url)).toEqual(["http://here/antiphon/attach", "http://here/antiphon/poll"]);
  expect(requests[1]?.init).toMatchObject({ method: "POST", headers: { "Antiphon-Key": KEY } });
});

test("an answer is told as bytes", async () => {
  const { requests, told } = await attached();

  await requests[1]?.respond(binary(1, event(1)));

  expect(told[0]).toEqual(["received", message(1, event(1))]);
});

test("a small push outlives its page, a large one could not", async () => {
  const { requests, port } = await attached();
  port.write(message(1, event(1)));
  await requests[2]?.respond(binary(0, { kind: "ack", handed: 1 }));

  port.write(message(2, event("x".repeat(20_000))));

  expect(requests.slice(1).map(({ init }) => init.keepalive)).toEqual([false, true, false]);
});

test.each<[string, ResponseInit, string, unknown[]]>([
  ["the body", { status: 409 }, "fenced:7\n", ["lost", 4003, "7"]],
  ["the status alone", { status: 502 }, "", ["lost", 0, "502"]],
])("why an answer is none is read from %s", async (_where, init, body, expected) => {
  const { requests, told } = await attached();

  await requests[1]?.respond(new Response(body, init));

  expect(told[0]).toEqual(expected);
});

test("a poll that takes more than forty seconds is given up", async () => {
  const { clock, told } = await attached();

  await clock.advance(40);

  expect(told[1]).toEqual(["lost", 0, ""]);
});

test("closing aborts the poll, but not the push, which may hold the goodbye", async () => {
  const { requests, port, told } = await attached();
  port.write(message(0, { kind: "close", code: "closed" }));

  port.close();
  await settled();

  expect(requests.map(({ init }) => init.signal?.aborted)).toEqual([true, true, false]);
  expect(told).toEqual([]);
});

/** A stream as a server writes it: `say` an event, or end it. */
function stream() {
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
  const writer = writable.getWriter();
  const say = async (...lines: string[]) => {
    await writer.write(new TextEncoder().encode(`${lines.join("\n")}\n\n`));
    await new Promise(setImmediate);
  };
  return { response: new Response(readable), say, end: () => writer.close(), cut: () => writer.abort() };
}

const base64 = (data: ReturnType<typeof message>) => Buffer.from(data as Uint8Array).toString("base64");

test("a stream brings its messages as they come, binary ones in base64", async () => {
  const { port, requests, told } = build(true);
  const { response, say } = stream();
  port.write(message(0));
  await requests[0]?.respond(response);

  await say(`data: ${base64(message(0, welcome()))}`);
  await say(`data: ${base64(message(1, event("é")))}`);

  expect(requests.map(({ url }) => url)).toEqual(["http://here/antiphon/stream"]);
  expect(told).toEqual([
    ["received", message(0, welcome())],
    ["received", message(1, event("é"))],
  ]);
});

test("a stream of a session in text brings text", async () => {
  const { port, requests, told } = build(true);
  const { response, say } = stream();
  port.write("[0,0]");
  await requests[0]?.respond(response);

  // That the peers of these tests cannot read it ends the stream.
  await say("data: [0,0,[37,1,2]]").catch(() => {});

  expect(told[0]).toEqual(["received", "[0,0,[37,1,2]]"]);
});

test.each<[string, string, unknown[]]>([
  ["what is no base64", "data: !", ["lost", 0, ""]],
  ["a close", "event: close\ndata: fenced:7", ["lost", 4003, "7"]],
])("%s on a stream is its end", async (_what, said, expected) => {
  const { port, requests, told } = build(true);
  const { response, say } = stream();
  port.write(message(0));
  await requests[0]?.respond(response);

  say(said).catch(() => {});
  await new Promise(setImmediate);

  expect(told[0]).toEqual(expected);
});

test("the stream of a probe is ended when the next is opened, and the next when the port is closed", async () => {
  const { port, requests } = build(true);
  port.write(message(0, { kind: "ping", time: 1 }));

  port.write(message(0));
  const between = requests.map(({ init }) => init.signal?.aborted);
  port.close();

  expect(between).toEqual([true, false]);
  expect(requests[1]?.init.signal?.aborted).toBe(true);
});

test("a stream is kept open for the push that may hold the goodbye", async () => {
  const { port, requests } = build(true);
  port.write(message(0, welcome()));
  port.welcomed("s1");
  port.write(message(1, event(1)));

  port.close();

  expect(requests.map(({ init }) => init.signal?.aborted)).toEqual([false, false]);
  await requests[1]?.respond(binary(0));
  expect(requests[0]?.init.signal?.aborted).toBe(true);
});

test("a stream may be silent for as long as it likes", async () => {
  const { port, requests, clock, told } = build(true);
  port.write(message(0));
  await requests[0]?.respond(stream().response);
  await clock.advance(0);
  told.length = 0;

  await clock.advance(1000);

  expect(told).toEqual([]);
});
