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

function build() {
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
  ["the status alone", { status: 502 }, "", ["lost", 0, "502 "]],
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
