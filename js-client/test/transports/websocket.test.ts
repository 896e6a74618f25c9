/** A WebSocket as a transport: what its events become. */
import { beforeEach, expect, test } from "vitest";
import { WebSocketPort } from "../../src/transports/websocket.js";
import { FakeSocket, ManualClock, message } from "../peers.js";

function open(Constructor: new (url: string) => FakeSocket = FakeSocket) {
  const clock = new ManualClock();
  const told: unknown[][] = [];
  const port = new WebSocketPort(Constructor, "ws://here/antiphon", clock, {
    opened: () => told.push(["opened"]),
    received: (data) => told.push(["received", data]),
    drained: () => told.push(["drained"]),
    lost: (code, reason) => told.push(["lost", code, reason]),
  });
  return { clock, told, port };
}

beforeEach(() => {
  FakeSocket.all = [];
});

test("its events are told, binary messages as bytes", async () => {
  const { told } = open();
  const data = message(0);

  await FakeSocket.last.open();
  await FakeSocket.last.say(data);
  await FakeSocket.last.cut(4003, "7");

  expect(FakeSocket.last).toMatchObject({ url: "ws://here/antiphon", binaryType: "arraybuffer" });
  expect(told).toEqual([["opened"], ["received", data], ["lost", 4003, "7"]]);
});

test("text is told as it is", () => {
  const { told } = open();

  FakeSocket.last.onmessage?.({ data: "[0,0]" as never });

  expect(told).toEqual([["received", "[0,0]"]]);
});

test("once closed nothing is told any more, and nothing sent", async () => {
  const { told, port } = open();

  port.close();
  port.write(message(0));
  await FakeSocket.last.open();
  await FakeSocket.last.say(message(0));
  await FakeSocket.last.cut();

  expect(FakeSocket.last).toMatchObject({ closed: true, sent: [] });
  expect(told).toEqual([]);
});

test("while much waits to be written it is congested, and tells when that has left", async () => {
  const { clock, told, port } = open();
  FakeSocket.last.bufferedAmount = 100_000;

  port.write(message(0));
  port.write(message(0));
  await clock.advance(1);
  const before = [port.congested, told.length, clock.pending];
  FakeSocket.last.bufferedAmount = 1000;
  await clock.advance(1);

  expect(before).toEqual([true, 0, 1]);
  expect(port.congested).toBe(false);
  expect(told).toEqual([["drained"]]);
});

test("closing stops waiting for that", async () => {
  const { clock, told, port } = open();
  FakeSocket.last.bufferedAmount = 100_000;
  port.write(message(0));

  port.close();
  await clock.advance(1);

  expect(told).toEqual([]);
  expect(clock.pending).toBe(0);
});

test("a constructor that throws, as under a strict policy, is a loss that is told later", async () => {
  class Forbidden extends FakeSocket {
    constructor(url: string) {
      super(url);
      throw new Error("forbidden");
    }
  }

  const { clock, told } = open(Forbidden);
  const before = told.length;
  await clock.advance(0);

  expect(before).toBe(0);
  expect(told).toEqual([["lost", 0, ""]]);
});
