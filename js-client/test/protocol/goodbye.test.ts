/** How a session says goodbye: it waits for acks, but not for ever. */
import { describe, expect, test } from "vitest";
import { event, joinedSession, message, packetsOf, welcome } from "../peers.js";
import type { Recorded } from "../records.js";

function kinds(packets: readonly Recorded[]): string[] {
  return packets.map(({ kind }) => kind);
}

describe("goodbye", () => {
  test("asks for acks, waits for them, and then says Close", () => {
    const { session } = joinedSession();
    session.emit(event(1));
    session.close(1);
    const asked = kinds(packetsOf(session.take(1)));

    session.receive(message(0, { kind: "ack", handed: 1 }), 1.5);

    expect(asked).toEqual(["ping", "event"]);
    expect(kinds(packetsOf(session.take(1.5)))).toEqual(["ack", "close"]);
    expect(session).toMatchObject({ state: "ended", ending: { code: "closed" } });
  });

  test("asks again while it waits, and for two seconds at most", () => {
    const { session } = joinedSession();
    session.emit(event(1));
    session.close(1);
    session.take(1);

    session.tick(1.25);
    const again = kinds(packetsOf(session.take(1.25)));
    session.tick(3);

    expect(again).toEqual(["ping"]);
    expect(session.ending?.code).toBe("closed");
    expect(session.losses).toMatchObject([{ unconfirmed: [{ args: [1], arrived: null }] }]);
  });

  test("is a message of its own where one leaves at a time", () => {
    const { session } = joinedSession();
    session.close(1);

    const messages = [session.take(1, true), session.take(1, true)];

    expect(messages.map((data) => kinds(packetsOf(data)))).toEqual([["ping"], ["ack", "close"]]);
  });

  test("does not wait for what no gate lets through", () => {
    const { session } = joinedSession();
    session.join(session.member("/late"));
    session.emit(event(1, "/late"));
    session.take(1);
    session.receive(message(0, { kind: "ack", handed: 1 }), 1);

    session.close(1);
    session.take(1);

    expect(session.ending?.code).toBe("closed");
    expect(session.losses).toMatchObject([{ unsent: [{ args: [1] }] }]);
  });

  test("goes on when the session moves to another transport", () => {
    const { session } = joinedSession();
    session.emit(event(1));
    session.close(1);
    session.take(1);

    session.greet();
    session.welcomed(welcome({ resumed: true, received: 1, next: 2 }), 1);
    session.take(1);
    session.receive(message(0, { kind: "ack", handed: 1 }), 1);

    expect(packetsOf(session.take(1))).toMatchObject([{ kind: "ack" }, { kind: "close", code: "closed" }]);
  });

  test("comes back for nothing when the session is lost meanwhile", () => {
    const { session } = joinedSession();
    session.emit(event(1));
    session.close(1);
    session.take(1);

    session.receive(message(0, { kind: "close", code: "draining", retryAfter: 5000 }), 1);

    expect(session).toMatchObject({ state: "ended", ending: { code: "closed", retryAfter: null } });
  });

  test("ends at once when there is no transport, or when it goes", () => {
    const [detached, going] = [joinedSession().session, joinedSession().session];
    detached.detach();
    going.emit(event(1));

    detached.close(1);
    going.close(1);
    going.detach();

    expect([detached.ending?.code, going.ending?.code]).toEqual(["closed", "closed"]);
  });
});
