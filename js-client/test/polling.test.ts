/** Which requests long-polling makes, and what their answers mean. */
import { describe, expect, test } from "vitest";
import { type HttpAnswer, type HttpRequest, PollingPort } from "../src/polling.js";
import { FENCED } from "../src/protocol/closing.js";
import type { Data } from "../src/protocol/codec.js";
import { codec, event, KEY, message, settled, welcome } from "./peers.js";

const OWNER = { codec, key: KEY, attempt: 3, progress: () => ({ kind: "ack", handed: 5 }) as const };
const EMPTY: HttpAnswer = { status: 204, body: new Uint8Array() };

function answer(body: Data): HttpAnswer {
  return { status: 200, body };
}

function build(pings = false) {
  const requests: HttpRequest[] = [];
  const answers: ((answer: HttpAnswer) => void)[] = [];
  const told: unknown[][] = [];
  const port: PollingPort = new PollingPort(
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
    (request) => {
      requests.push(request);
      return new Promise((resolve) => answers.push(resolve));
    },
    pings,
  );

  /** The request of this number, from 1 on, is answered. */
  async function answered(number: number, answer: HttpAnswer): Promise<void> {
    answers[number - 1]?.(answer);
    await settled();
  }

  return { port, requests, told, answered };
}

async function attached() {
  const built = build();
  built.port.write(message(0, welcome()));
  await built.answered(1, answer(message(0, welcome())));
  built.told.length = 0;
  return built;
}

test("the first message is an attach, without credentials in its headers", () => {
  const { port, requests } = build();

  port.write(message(0));

  expect(requests).toMatchObject([{ verb: "attach", headers: { "Content-Type": "application/msgpack" }, timeout: 20 }]);
  expect(JSON.stringify(requests[0]?.headers)).not.toContain(KEY);
});

test("after Welcome a poll is open, which says how far we are", async () => {
  const { requests } = await attached();

  expect(requests[1]).toMatchObject({
    verb: "poll",
    timeout: 40,
    headers: {
      "Antiphon-Session": "s1",
      "Antiphon-Key": KEY,
      "Antiphon-Attempt": "3",
      "Antiphon-Request": "2",
    },
  });
  expect(codec.decode(requests[1]?.body ?? "")).toMatchObject({ number: 0, packets: [{ kind: "ack", handed: 5 }] });
});

test("anything but Welcome opens no poll", async () => {
  const { port, requests, told, answered } = build();
  port.write(message(0));

  await answered(1, answer(message(0, { kind: "refuse", code: "try_later" })));

  expect(requests).toHaveLength(1);
  expect(told[0]?.[0]).toBe("received");
});

test("an answered poll is followed by the next", async () => {
  const { requests, told, answered } = await attached();
  const data = message(1, event(1));

  await answered(2, answer(data));

  expect(told[0]).toEqual(["received", data]);
  expect(requests.map(({ verb }) => verb)).toEqual(["attach", "poll", "poll"]);
});

test("a poll that ends empty is followed by the next, and tells nothing", async () => {
  const { requests, told, answered } = await attached();

  await answered(2, EMPTY);

  expect(requests).toHaveLength(3);
  expect(told).toEqual([["drained"]]);
});

test("while a push is in flight no other is made, and a poll stays open beside it", async () => {
  const { port, requests, told, answered } = await attached();

  port.write(message(1, event(1)));
  const during = port.congested;
  await answered(3, answer(message(0, { kind: "ack", handed: 1 })));

  expect([during, port.congested]).toEqual([true, false]);
  expect(requests.map(({ verb }) => verb)).toEqual(["attach", "poll", "push"]);
  expect(told.map(([what]) => what)).toEqual(["received", "drained"]);
});

test.each<[string, HttpAnswer, unknown[]]>([
  ["no answer", { status: 0, body: "" }, ["lost", 0, ""]],
  ["401", { status: 401, body: "unknown session" }, ["lost", 0, "401 unknown session"]],
  ["fenced", { status: 409, body: "fenced:7\n" }, ["lost", FENCED, "7"]],
  ["a server that fails", { status: 502, body: "" }, ["lost", 0, "502"]],
])("%s loses the transport", async (_what, failure, expected) => {
  const { told, answered } = await attached();

  await answered(2, failure);

  expect(told[0]).toEqual(expected);
});

test("once closed it asks for nothing and tells nothing", async () => {
  const { port, requests, told, answered } = await attached();

  port.close();
  await answered(2, answer(message(1, event(1))));
  port.write(message(1, event(1)));

  expect(requests).toHaveLength(2);
  expect(told).toEqual([]);
});

test("an answer that is no longer waited for says nothing", async () => {
  const { told, answered } = await attached();
  await answered(2, EMPTY);
  told.length = 0;

  await answered(2, answer(message(1, event(1))));

  expect(told).toEqual([]);
});

test("the goodbye of a session that is forgotten still says whose it is", async () => {
  const { port, requests } = await attached();

  port.write(message(0, { kind: "close", code: "closed" }));

  expect(requests.at(-1)?.headers).toMatchObject({ "Antiphon-Session": "s1" });
});

describe("an event stream", () => {
  /** Welcomed by the stream, which is the first request. */
  function streaming() {
    const built = build(true);
    built.port.write(message(0));
    built.requests[0]?.heard(message(0, welcome()));
    built.told.length = 0;
    return built;
  }

  test("is asked for by the Hello, without credentials in its headers and without an end of patience", () => {
    const { port, requests } = build(true);

    port.write(message(0));

    expect(requests).toMatchObject([{ verb: "stream", timeout: Number.POSITIVE_INFINITY }]);
    expect(JSON.stringify(requests[0]?.headers)).not.toContain(KEY);
    expect([port.single, port.pings]).toEqual([true, true]);
  });

  test("brings every message, nothing is polled for, and what is said is pushed", async () => {
    const { port, requests, told, answered } = streaming();

    requests[0]?.heard(message(1, event(1)));
    port.write(message(1, event(2)));
    const during = port.congested;
    await answered(2, answer(message(0, { kind: "ack", handed: 1 })));

    expect([during, port.congested]).toEqual([true, false]);
    expect(requests).toMatchObject([
      { verb: "stream" },
      { verb: "push", headers: { "Antiphon-Session": "s1", "Antiphon-Key": KEY, "Antiphon-Attempt": "3" } },
    ]);
    expect(told).toEqual([["received", message(1, event(1))], ["drained"]]);
  });

  test("is not taken for alive because pushes are answered", async () => {
    const { port, told, answered } = streaming();

    port.write(message(1, event(1)));
    await answered(2, answer(message(0, { kind: "ack", handed: 1 })));

    expect(told.map(([what]) => what)).not.toContain("received");
  });

  test.each<[string, HttpAnswer, unknown[]]>([
    ["cut", { status: 0, body: "" }, ["lost", 0, ""]],
    ["closed", { status: 0, body: "expired:too late" }, ["lost", 0, "expired:too late"]],
    ["fenced", { status: 0, body: "fenced:7" }, ["lost", FENCED, "7"]],
    ["refused", { status: 415, body: "another form" }, ["lost", 0, "415 another form"]],
  ])("that is %s is the end of the transport", async (_what, end, expected) => {
    const { told, answered } = streaming();

    await answered(1, end);

    expect(told[0]).toEqual(expected);
  });

  test("of a probe counts no more when the Hello is said, which opens another", async () => {
    const { port, requests, told, answered } = build(true);
    port.write(message(0, { kind: "ping", time: 1 }));
    requests[0]?.heard(message(0, { kind: "pong", time: 1, now: 1 }));
    port.write(message(0));
    told.length = 0;

    requests[0]?.heard(message(0, welcome()));
    await answered(1, { status: 0, body: "" });

    expect(requests.map(({ verb }) => verb)).toEqual(["stream", "stream"]);
    expect(told).toEqual([]);
  });

  test("that is closed by us brings nothing any more", () => {
    const { port, requests, told } = streaming();

    port.close();
    requests[0]?.heard(message(1, event(1)));

    expect(told).toEqual([]);
    expect(port.congested).toBe(true);
  });
});
