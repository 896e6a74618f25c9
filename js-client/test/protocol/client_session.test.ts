/** The client's half: greeting, being welcomed, namespaces and their gates, and what a lost session leaves behind. */
import { describe, expect, test } from "vitest";
import { CallAbandoned, CallNotSent, LocalProtocolError, OutboxFull } from "../../src/errors.js";
import type { ClientSession } from "../../src/protocol/client_session.js";
import {
  call,
  codec,
  emitCall,
  event,
  joinedSession,
  KEY,
  message,
  openSession,
  packetsOf,
  said,
  welcome,
} from "../peers.js";
import { record } from "../records.js";

/** The server lost the session and makes a new one. */
function anew(session: ClientSession, reason = "server_restart", received = 0): void {
  session.detach();
  session.greet();
  session.welcomed(welcome({ sid: "s2", epoch: "e2", reason, received }), 9);
}

/** The server lets us into "/" in a session where nothing else was said before. */
function enter(session: ClientSession, socket = "y"): void {
  const member = session.member("/");
  session.receive(message(1, { kind: "joined", namespace: "/", socket }), 9);
  session.joined(member, socket);
  session.open(member);
}

describe("Hello", () => {
  test("says who we are, how far we are, and where we want in", () => {
    const { session } = joinedSession();
    session.receive(message(2, event(1)), 1);

    const hello = session.greet();

    expect(record(hello)).toMatchObject({
      key: KEY,
      attempt: 2,
      sid: "s1",
      epoch: "e1",
      received: 2,
      joins: [["/", null]],
    });
  });

  test("goes above the attempt that the server knows", () => {
    const { session } = openSession();
    session.greet();

    session.stale(7);

    expect(session.greet()[1].attempt).toBe(8);
  });

  test("the key shows neither in JSON nor in text", () => {
    const { session } = openSession();

    expect(JSON.stringify(session)).not.toContain(KEY);
    expect(String(session)).not.toContain(KEY);
  });
});

describe("Welcome", () => {
  test("that resumes sends again only what was not received", () => {
    const { session } = joinedSession();
    session.emit(event(1));
    session.emit(event(2));
    session.take(1);
    session.detach();

    session.greet();
    session.welcomed(welcome({ resumed: true, received: 1, next: 2 }), 9);

    expect(said(session.take(9))).toEqual([2]);
    expect(session.losses).toEqual([]);
  });

  test.each([
    ["another session", { sid: "s9" }],
    ["less than was acked", { received: 0 }],
    ["more than was sent", { received: 9 }],
    ["messages that never came", { received: 1, next: 9 }],
  ])("that resumes with %s loses the session as a mismatch", (_what, changes) => {
    const { session } = joinedSession();
    session.emit(event(1));
    session.take(1);
    session.receive(message(0, { kind: "ack", handed: 1 }), 1);
    session.detach();
    session.greet();

    const attached = session.welcomed(welcome({ resumed: true, received: 1, next: 2, ...changes }), 9);

    expect(attached).toBe(false);
    expect(session).toMatchObject({ sid: null, state: "fresh", losses: [{ reason: "mismatch" }] });
  });

  test("tells the window, and how long the server may be silent", () => {
    const { session } = openSession();
    session.greet();

    session.welcomed(welcome({ inbox: [5, 500], heartbeat: [1000, 2000] }), 10);

    expect(session.outbox.window).toEqual({ packets: 5, size: 500 });
    expect(session.due).toBe(13);
  });
});

describe("namespaces", () => {
  test("one that is asked for later is joined on the living session", () => {
    const { session } = joinedSession();

    session.join(session.member("/late"));

    expect(packetsOf(session.take(1))).toMatchObject([{ kind: "join", namespace: "/late" }]);
  });

  test("one asked for while detached is joined once the session is resumed", () => {
    const { session } = joinedSession();
    session.detach();
    session.join(session.member("/late"));

    session.greet();
    session.welcomed(welcome({ resumed: true, next: 2 }), 9);

    expect(packetsOf(session.take(9))).toMatchObject([{ kind: "ack" }, { kind: "join", namespace: "/late" }]);
  });

  test("one left between Hello and Welcome is left in the new session, too", () => {
    const { session } = openSession();
    const member = session.member("/");
    session.join(member);
    session.greet();
    session.leave(member);

    session.welcomed(welcome(), 1);

    expect(packetsOf(session.take(1))).toMatchObject([{ kind: "leave", namespace: "/" }]);
    expect(session.joined(member, "x")).toBe(false);
  });

  test("a join that nobody remembers is left again", () => {
    const { session } = joinedSession();

    session.joined(session.member("/other"), "x");

    expect(packetsOf(session.take(1))).toMatchObject([{ kind: "leave", namespace: "/other" }]);
  });

  test("nothing can be said where nobody asked to be let in", () => {
    const { session } = joinedSession();

    expect(() => session.emit(event(1, "/other"))).toThrow(LocalProtocolError);
  });

  test("what waits at a gate leaves in its order when the gate opens", () => {
    const { session } = joinedSession();
    const member = session.member("/late");
    session.join(member);
    session.emit(event(1, "/late"));
    session.emit(event(2, "/late"));
    session.emit(event("other"));
    const before = said(session.take(1));
    session.joined(member, "x");

    session.open(member);

    expect(before).toEqual(["other"]);
    expect(said(session.take(1))).toEqual([1, 2]);
  });

  test("what waits at the gate of a namespace that refuses is certainly not sent", () => {
    const { session } = joinedSession();
    const member = session.member("/late");
    const outcomes: unknown[] = [];
    session.join(member);
    emitCall(session, call(1, "/late"), (error) => outcomes.push(error), 30);
    session.take(1);

    const refused = session.refused(member);

    expect(refused).toBe(true);
    expect(outcomes).toMatchObject([{ constructor: CallNotSent }]);
    expect(session.outbox.entries.map(({ packet }) => record(packet).kind)).toEqual(["join"]);
  });

  test("what was emitted before leaving arrives before the leave", () => {
    const { session } = joinedSession();
    session.emit(event(1));

    session.leave(session.member("/"));

    expect(packetsOf(session.take(1))).toMatchObject([{ kind: "event" }, { kind: "leave" }]);
  });

  test("an emit with a deadline is withdrawn unless it has left by then", () => {
    const { session } = joinedSession();
    session.join(session.member("/late"));
    session.emit(event(1, "/late"), { until: 5 });
    session.emit(event(2), { until: 5 });
    session.take(1);

    session.tick(5);

    expect(session.outbox.entries.map(({ packet }) => record(packet))).toMatchObject([{ kind: "join" }, { args: [2] }]);
  });

  test("a call with a deadline ends as not sent", () => {
    const { session } = joinedSession();
    const outcomes: unknown[] = [];
    session.detach();
    emitCall(session, call(1), (error) => outcomes.push(error), 30, { until: 5 });

    session.tick(5);

    expect(outcomes).toMatchObject([{ constructor: CallNotSent }]);
  });
});

describe("a lost session", () => {
  test("reports what was sent without an ack, and whether it had arrived", () => {
    const { session } = joinedSession();
    for (const value of [1, 2, 3]) session.emit(event(value));
    session.take(1);
    session.receive(message(0, { kind: "ack", handed: 1 }), 1);

    anew(session, "expired", 2);

    expect(session.losses).toMatchObject([
      {
        reason: "expired",
        unconfirmed: [
          { namespace: "/", name: "said", args: [2], arrived: true },
          { args: [3], arrived: false },
        ],
        unsent: [],
        retryAfter: 0,
      },
    ]);
  });

  test("keeps what has no number until the namespace is joined again", () => {
    const { session } = joinedSession();
    session.detach();
    session.emit(event(1));
    session.greet();
    session.welcomed(welcome({ sid: "s2", reason: "unknown" }), 9);
    const before = said(session.take(9));

    enter(session);

    expect(before).toEqual([]);
    expect(said(session.take(9))).toEqual([1]);
  });

  test("sends again what may run twice, marked, in front of what waited and of what the handler emits", () => {
    const { session } = joinedSession();
    session.emit(event("again"), { repeatable: true });
    session.emit(event("once"));
    session.take(1);
    session.detach();
    session.emit(event("queued"));
    session.greet();
    session.welcomed(welcome({ sid: "s2" }), 9);
    session.emit(event("handler"));

    enter(session);

    const messages = session.take(9);
    expect(said(messages)).toEqual(["again", "queued", "handler"]);
    expect(packetsOf(messages).find(({ kind }) => kind === "event")).toMatchObject({ redelivered: true });
    expect(session.losses).toMatchObject([{ unconfirmed: [{ args: ["once"] }] }]);
  });

  test("a repeatable call keeps waiting for its answer, others have an unknown outcome", () => {
    const { session } = joinedSession();
    const outcomes: unknown[] = [];
    emitCall(session, call(1), (error) => outcomes.push(error ?? "one"), 30);
    emitCall(session, call(2), (_error, value) => outcomes.push(value), 30, { repeatable: true });
    session.take(1);
    anew(session);
    enter(session);
    session.take(9);

    session.receive(message(2, { kind: "reply", id: 2, value: "two" }), 9);

    expect(outcomes).toMatchObject([{ constructor: CallAbandoned }, "two"]);
  });

  test("a call that was sent again and given back may still have run", () => {
    const { session } = joinedSession();
    const outcomes: unknown[] = [];
    emitCall(session, call(1), (error) => outcomes.push(error), 30, { repeatable: true });
    session.take(1);
    anew(session);

    session.leave(session.member("/"));

    expect(outcomes).toMatchObject([{ constructor: CallAbandoned }]);
  });

  test("what was to be sent again is unconfirmed, for it may have run in the session before", () => {
    const { session } = joinedSession();
    session.emit(event(1), { repeatable: true });
    session.take(1);
    anew(session);

    session.leave(session.member("/"));
    session.end("kicked");
    const [, left] = session.losses;
    const other = joinedSession().session;
    other.emit(event(2), { repeatable: true });
    other.take(1);
    anew(other);
    other.end("kicked");

    expect(left).toMatchObject({ unconfirmed: [], unsent: [] });
    expect(other.losses[1]).toMatchObject({ unconfirmed: [{ args: [2], arrived: null }], unsent: [] });
  });

  test("nobody knows what had arrived at a server that does not know the session", () => {
    const { session } = joinedSession();
    session.emit(event(1));
    session.take(1);

    anew(session, "server_restart", 0);

    expect(session.losses).toMatchObject([{ unconfirmed: [{ arrived: null }] }]);
  });

  test("the next Hello keeps the server's start, to say that it repeats no lost first one", () => {
    const { session } = joinedSession();

    session.end("overflow", "", 1);

    expect(session.greet()[1]).toMatchObject({ sid: null, epoch: "e1" });
  });

  test("numbers begin again, both ways", () => {
    const { session, delivered } = joinedSession();
    session.emit(event(1));
    session.take(1);
    anew(session);
    enter(session);
    session.emit(event(2));

    const [data] = session.take(9);

    expect(codec.decode(data as Uint8Array<ArrayBuffer>)).toMatchObject({ number: 1 });
    expect(delivered.at(-1)).toMatchObject({ kind: "joined", socket: "y" });
  });

  test("leaves and joins that waited are not said, only what is wanted now", () => {
    const { session } = joinedSession();
    session.join(session.member("/a"));
    session.join(session.member("/b"));
    session.leave(session.member("/a"));
    session.detach();

    const hello = session.greet();
    session.welcomed(welcome({ sid: "s2" }), 9);

    expect(hello[1].joins).toEqual([
      ["/", null],
      ["/b", null],
    ]);
    expect(packetsOf(session.take(9))).toEqual([]);
  });

  test("for good, it tells everything that was not sent, and what may be repeated as unconfirmed", () => {
    const { session } = joinedSession();
    session.emit(event(1), { repeatable: true });
    session.take(1);
    session.emit(event(2));

    session.end("kicked");

    expect(session.losses).toMatchObject([
      { reason: "kicked", unconfirmed: [{ args: [1] }], unsent: [{ args: [2] }], retryAfter: null },
    ]);
  });

  test("its last words do not reach the next one", () => {
    const { session } = joinedSession();
    session.receive(message(0, { kind: "ack", handed: 9 }), 1);
    session.greet();
    session.welcomed(welcome({ sid: "s2" }), 2);

    session.receive(message(0, { kind: "close", code: "kicked" }), 3);

    expect(session.take(3)).toEqual([]);
  });
});

describe("the latest value", () => {
  const pose = { key: "pose" };

  test("of one key is kept unsent only once, at the end", () => {
    const { session } = joinedSession();
    session.emit(event(1), pose);
    session.emit(event(2));
    session.emit(event(3), pose);

    expect(said(session.take(1))).toEqual([2, 3]);
  });

  test("does not replace one that has left", () => {
    const { session } = joinedSession();
    session.emit(event(1), pose);
    session.take(1);

    session.emit(event(2), pose);

    expect(session.outbox.packets).toBe(2);
  });

  // Replies and the like may fill the outbox beyond its bound.
  test("stays when a newer one is refused", () => {
    const { session } = joinedSession({ packets: 2, size: 4 << 20 });
    session.emit(event(1), pose);
    session.send(call(1));
    session.send(call(2));

    expect(() => session.emit(event(3), pose)).toThrow(OutboxFull);

    expect(said(session.take(1))).toEqual([1]);
  });
});
