/** What has arrived is counted once, and acked in time. */
import { expect, test } from "vitest";
import type { Message } from "../../src/protocol/codec.js";
import { Inbox } from "../../src/protocol/inbox.js";
import { type Packet, PING } from "../../src/protocol/packets.js";
import { event } from "../peers.js";

const ping: Packet = [PING, 1];

function arrived(number: number, ...packets: Packet[]): Message {
  return { number, counted: packets.filter(([type]) => type !== PING).length, packets };
}

test("a message is counted in and handed on", () => {
  const inbox = new Inbox();

  const fresh = inbox.accept(arrived(1, event(1), ping, event(2)), 10, 0);

  expect(fresh).toEqual([event(1), ping, event(2)]);
  expect(inbox.received).toBe(2);
});

test("what was received before is not handed on again", () => {
  const inbox = new Inbox();
  inbox.accept(arrived(1, event(1), event(2)), 10, 0);

  const fresh = inbox.accept(arrived(2, event(2), ping, event(3)), 10, 0);

  expect(fresh).toEqual([ping, event(3)]);
  expect(inbox.received).toBe(3);
});

test("a message that is old as a whole changes nothing", () => {
  const inbox = new Inbox();
  inbox.accept(arrived(1, event(1), event(2), event(3)), 10, 0);

  const fresh = inbox.accept(arrived(1, event(1)), 10, 0);

  expect(fresh).toEqual([]);
  expect(inbox.received).toBe(3);
});

test("an ack is due five seconds after the first packet that it is for", () => {
  const inbox = new Inbox();
  inbox.accept(arrived(1, event(1)), 10, 100);
  inbox.accept(arrived(2, event(2)), 10, 103);

  expect(inbox.due).toBe(105);
});

test("an ack presses after 32 packets", () => {
  const inbox = new Inbox();
  for (let number = 1; number < 32; number++) inbox.accept(arrived(number, event(0)), 1, 0);
  const before = inbox.presses;

  inbox.accept(arrived(32, event(0)), 1, 0);

  expect([before, inbox.presses]).toEqual([false, true]);
});

test("an ack presses after 64 KiB", () => {
  const inbox = new Inbox();

  inbox.accept(arrived(1, event(0)), 64 << 10, 0);

  expect(inbox.presses).toBe(true);
});

test("nothing is owed once the peer was told", () => {
  const inbox = new Inbox();
  inbox.accept(arrived(1, event(1)), 64 << 10, 0);

  inbox.acked();

  expect(inbox).toMatchObject({ owes: false, presses: false, due: Number.POSITIVE_INFINITY });
});

test("messages without counted packets owe no ack", () => {
  const inbox = new Inbox();

  inbox.accept(arrived(0, ping), 1 << 20, 0);

  expect(inbox).toMatchObject({ owes: false, presses: false, due: Number.POSITIVE_INFINITY });
});
