/** Which requests long-polling makes, and what their answers mean. */
import { expect, test } from "vitest";
import { type HttpAnswer, type HttpRequest, PollingPort } from "../src/polling.js";
import { FENCED } from "../src/protocol/closing.js";
import type { Data } from "../src/protocol/codec.js";
import { codec, event, KEY, message, welcome } from "./peers.js";

const OWNER = { codec, key: KEY, attempt: 3, progress: () => ({ kind: "ack", handed: 5 }) as const };
const EMPTY: HttpAnswer = { status: 204, body: new Uint8Array() };

function answer(body: Data): HttpAnswer {
  return { status: 200, body };
}

function build() {
  const requests: HttpRequest[] = [];
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
    (request) => requests.push(request),
  );
  return { port, requests, told };
}

function attached() {
  const built = build();
  built.port.write(message(0, welcome()));
  built.port.answered(1, answer(message(0, welcome())));
  built.told.length = 0;
  return built;
}

test("the first message is an attach, without credentials in its headers", () => {
  const { port, requests } = build();

  port.write(message(0));

  expect(requests).toMatchObject([
    { token: 1, verb: "attach", headers: { "Content-Type": "application/msgpack" }, timeout: 20 },
  ]);
  expect(JSON.stringify(requests[0]?.headers)).not.toContain(KEY);
});

test("after Welcome a poll is open, which says how far we are", () => {
  const { requests } = attached();

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

test("anything but Welcome opens no poll", () => {
  const { port, requests, told } = build();
  port.write(message(0));

  port.answered(1, answer(message(0, { kind: "refuse", code: "try_later" })));

  expect(requests).toHaveLength(1);
  expect(told[0]?.[0]).toBe("received");
});

test("an answered poll is followed by the next", () => {
  const { port, requests, told } = attached();
  const data = message(1, event(1));

  port.answered(2, answer(data));

  expect(told[0]).toEqual(["received", data]);
  expect(requests.map(({ verb }) => verb)).toEqual(["attach", "poll", "poll"]);
});

test("a poll that ends empty is followed by the next, and tells nothing", () => {
  const { port, requests, told } = attached();

  port.answered(2, EMPTY);

  expect(requests).toHaveLength(3);
  expect(told).toEqual([["drained"]]);
});

test("while a push is in flight no other is made, and a poll stays open beside it", () => {
  const { port, requests, told } = attached();

  port.write(message(1, event(1)));
  const during = port.congested;
  port.answered(3, answer(message(0, { kind: "ack", handed: 1 })));

  expect([during, port.congested]).toEqual([true, false]);
  expect(requests.map(({ verb }) => verb)).toEqual(["attach", "poll", "push"]);
  expect(told.map(([what]) => what)).toEqual(["received", "drained"]);
});

test.each<[string, HttpAnswer | null, unknown[]]>([
  ["no answer", null, ["lost", 0, ""]],
  ["401", { status: 401, body: "unknown session" }, ["lost", 0, "401 unknown session"]],
  ["fenced", { status: 409, body: "fenced:7\n" }, ["lost", FENCED, "7"]],
  ["a server that fails", { status: 502, body: "" }, ["lost", 0, "502 "]],
])("%s loses the transport", (_what, failure, expected) => {
  const { port, told } = attached();

  port.answered(2, failure);

  expect(told[0]).toEqual(expected);
});

test("once closed it asks for nothing and tells nothing", () => {
  const { port, requests, told } = attached();

  port.close();
  port.answered(2, answer(message(1, event(1))));
  port.write(message(1, event(1)));

  expect(requests).toHaveLength(2);
  expect(told).toEqual([]);
});

test("an answer that is no longer waited for says nothing", () => {
  const { port, told } = attached();
  port.answered(2, EMPTY);
  told.length = 0;

  port.answered(2, answer(message(1, event(1))));

  expect(told).toEqual([]);
});

test("the goodbye of a session that is forgotten still says whose it is", () => {
  const { port, requests } = attached();

  port.write(message(0, { kind: "close", code: "closed" }));

  expect(requests.at(-1)?.headers).toMatchObject({ "Antiphon-Session": "s1" });
});
