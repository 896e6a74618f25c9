/** What a session does with messages, acks, transports and time. */
import { describe, expect, test } from "vitest";
import { CallAbandoned, CallFailed, CallNotSent, CallTimeout, ConnectionClosed, OutboxFull } from "../../src/errors.js";
import { VOLATILE, type Volatile } from "../../src/protocol/packets.js";
import type { Act, Session, State } from "../../src/protocol/session.js";
import {
  call,
  codec,
  emitCall,
  event,
  joinedSession,
  message,
  openSession,
  packetsOf,
  said,
  welcome,
} from "../peers.js";
import { packet, type Recorded, record } from "../records.js";

function kinds(packets: readonly Recorded[]): string[] {
  return packets.map(({ kind }) => kind);
}

describe("the state has one door", () => {
  const ACTS: Record<Act, (session: Session) => void> = {
    attach: (session) => session.attach(0, 0),
    detach: (session) => session.detach(),
    close: (session) => session.close(0),
    end: (session) => session.end("over"),
    renew: (session) => session._change("renew"),
  };
  const WAYS: Record<State, Act[]> = {
    fresh: [],
    attached: ["attach"],
    detached: ["attach", "detach"],
    closing: ["attach", "close"],
    ended: ["end"],
  };
  // Where the table has nothing, nobody asks for it.
  const TABLE: Record<State, Partial<Record<Act, State>>> = {
    fresh: { attach: "attached", close: "ended", end: "ended" },
    attached: { attach: "attached", detach: "detached", close: "closing", end: "ended" },
    detached: { attach: "attached", detach: "detached", close: "ended", end: "ended" },
    closing: { attach: "closing", detach: "ended", close: "closing", end: "ended" },
    ended: { detach: "ended", close: "ended", end: "ended", renew: "fresh" },
  };

  test.each(Object.keys(TABLE) as State[])("%s leads where the table says", (state) => {
    const acts = Object.keys(TABLE[state]) as Act[];

    const after = acts.map((act) => {
      const session: Session = openSession().session;
      for (const way of WAYS[state]) ACTS[way](session);
      expect(session.state).toBe(state);
      ACTS[act](session);
      return [act, session.state];
    });

    expect(Object.fromEntries(after)).toEqual(TABLE[state]);
  });
});

describe("receiving", () => {
  test("packets are delivered in order, each once", () => {
    const { session, delivered } = joinedSession();
    session.receive(message(2, event(1), event(2)), 1);

    session.receive(message(2, event(1), event(2), event(3)), 1);

    expect(delivered).toMatchObject([{ args: [1] }, { args: [2] }, { args: [3] }]);
  });

  test("a gap closes the transport, and the session goes on with the next one", () => {
    const { session, delivered } = joinedSession();

    const closing = session.receive(message(3, event(2)), 1);

    expect(closing).toBe("gap");
    expect(session.state).toBe("attached");
    expect(delivered).toEqual([]);
  });

  test("a second gap without progress loses the session", () => {
    const { session } = joinedSession();
    session.receive(message(3, event(2)), 1);

    const closing = session.receive(message(3, event(2)), 1);

    expect(closing).toBe("protocol");
    expect(session.losses).toMatchObject([{ reason: "protocol" }]);
  });

  test("a message without counted packets may overtake others", () => {
    const { session } = joinedSession();

    const closing = session.receive(message(9, { kind: "ack", handed: 0 }), 1);

    expect(closing).toBeNull();
  });

  test.each<[string, Parameters<typeof codec.pack>]>([
    ["miscounted", [2, 2, [codec.encode(event(1))]]],
    ["protocol", [2, 1, [codec.encode(packet({ kind: "item", id: 0, stream: 0 }))]]],
    ["protocol", [2, 0, [codec.encode(packet({ kind: "ack", handed: 7 }))]]],
    ["unsupported", [2, 1, [new Uint8Array([0x91, 0x1f])]]],
  ])("what breaks the contract loses the session: %s", (code, parts) => {
    const { session } = joinedSession();

    const closing = session.receive(codec.pack(...parts), 1);

    expect(closing).toBe(code);
    expect(session.losses).toMatchObject([{ reason: code, retryAfter: 1 }]);
    expect(packetsOf(session.take(1))).toMatchObject([
      { kind: "ack", handed: 1 },
      { kind: "close", code },
    ]);
  });

  test.each<[string, Recorded]>([
    ["Hello", { kind: "hello", key: "k", attempt: 9 }],
    ["Welcome", welcome({ sid: "s9", received: 7, next: 7 })],
    ["Refuse", { kind: "refuse", code: "unauthorized" }],
  ])("a %s within a session changes nothing", (_what, greeting) => {
    const { session, delivered } = joinedSession();

    const closing = session.receive(message(2, greeting, event(1)), 1);

    expect(closing).toBeNull();
    expect(session).toMatchObject({ state: "attached", sid: "s1", attempt: 1, losses: [] });
    expect(delivered.at(-1)).toMatchObject({ args: [1] });
  });

  test("a ping is answered before everything else", () => {
    const { session } = joinedSession();
    session.emit(event(1));

    session.receive(message(0, { kind: "ping", time: 7 }), 2);

    expect(packetsOf(session.take(2))).toMatchObject([{ kind: "pong", time: 7, now: 2000 }, { kind: "event" }]);
  });

  test("the server's Close without a time ends the session for good", () => {
    const { session } = joinedSession();

    session.receive(message(0, { kind: "close", code: "kicked", reason: "spam" }), 1);

    expect(session.ending).toMatchObject({ code: "kicked", reason: "spam" });
    expect(() => session.emit(event(1))).toThrow(ConnectionClosed);
  });

  test("the server's Close with a time loses the session, and another will be asked for", () => {
    const { session } = joinedSession();

    session.receive(message(0, { kind: "close", code: "draining", retryAfter: 5000 }), 1);

    expect(session).toMatchObject({ state: "fresh", retryAfter: 5, ending: null });
  });

  test("what follows the end of its session in a message is dropped", () => {
    const { session, delivered } = joinedSession();

    session.receive(message(2, event(1), { kind: "close", code: "kicked" }, event(2)), 1);

    expect(delivered).toMatchObject([{ args: [1] }]);
  });
});

describe("acks", () => {
  test("one rides on whatever is sent", () => {
    const { session } = joinedSession();
    session.receive(message(2, event(1)), 1);
    session.emit(event(2));

    expect(packetsOf(session.take(1))).toMatchObject([{ kind: "ack", handed: 2 }, { kind: "event" }]);
  });

  test("the last one is said again on a new transport, for it may have been lost", () => {
    const { session } = joinedSession();

    session.greet();
    session.welcomed(welcome({ resumed: true, next: 2 }), 1);

    expect(packetsOf(session.take(1))).toMatchObject([{ kind: "ack", handed: 1 }]);
  });

  test("one leaves after five seconds when there is no ride", () => {
    const { session } = joinedSession();
    session.take(0);
    session.receive(message(2, event(1)), 1);

    session.tick(6);

    expect(session.outbox.dirty).toBe(true);
    expect(packetsOf(session.take(6))).toMatchObject([{ kind: "ack", handed: 2 }]);
  });

  test("what was acked is kept no longer", () => {
    const { session } = joinedSession();
    session.emit(event(1));
    session.take(1);

    session.receive(message(0, { kind: "ack", handed: 1 }), 1);

    expect(session.outbox.packets).toBe(0);
  });

  test("received is not handed over: it still has to be kept", () => {
    const { session } = joinedSession();
    session.emit(event(1));
    session.take(1);

    session.receive(message(0, { kind: "ack", handed: 0, received: 1 }), 1);

    expect(session.outbox.packets).toBe(1);
  });
});

describe("transports", () => {
  test("events emitted while detached are sent in order on the next one", () => {
    const { session } = joinedSession();
    session.emit(event(1));
    session.take(1);
    session.detach();
    session.emit(event(2));

    session.greet();
    session.welcomed(welcome({ resumed: true, received: 0, next: 2 }), 9);

    expect(said(session.take(9))).toEqual([1, 2]);
  });

  test("nothing leaves while there is none", () => {
    const { session } = joinedSession();
    session.detach();
    session.emit(event(1));

    expect(session.take(1)).toEqual([]);
  });

  test("silence for interval and timeout gives the transport up", () => {
    const { session } = joinedSession();

    expect([session.tick(39.9), session.tick(40)]).toEqual([null, "silent"]);
  });

  test("a transport that looks after itself may be silent", () => {
    const { session } = openSession();
    session.greet();
    session.welcomed(welcome(), 0, false);

    expect(session.tick(1e6)).toBeNull();
  });

  test("one message at a time leaves where no more may", () => {
    const { session } = joinedSession();
    session.outbox.window = { packets: 10, size: 2 << 20 };
    for (let index = 0; index < 3; index++) session.emit(event("x".repeat(500_000)));

    expect(session.take(1, true)).toHaveLength(1);
    expect(session.take(1)).toHaveLength(1);
  });
});

describe("volatile events", () => {
  const pose: Volatile = [VOLATILE, "/", "pose", [1]];
  const soon = { until: 1.25 };

  test("one leaves in its place between the others, without a number, and once", () => {
    const { session } = joinedSession();
    session.emit(event(1));
    session.emit(pose, soon);
    session.emit(event(2));

    const [data] = session.take(1.2);
    session.detach();
    session.greet();
    session.welcomed(welcome({ resumed: true, next: 2 }), 1.2);

    const { number, counted, packets } = codec.decode(data as Uint8Array<ArrayBuffer>);
    expect([number, counted, kinds(packets.map(record))]).toEqual([1, 2, ["event", "volatile", "event"]]);
    expect(said(session.take(1.2))).toEqual([1, 2]);
  });

  test("one that waited for more than 250 ms is dropped", () => {
    const { session } = joinedSession();

    session.emit(pose, soon);

    expect(session.take(1.3)).toEqual([]);
  });

  test("none is kept without a transport, or before the gate opens", () => {
    const { session } = joinedSession();
    session.join(session.member("/late"));
    session.emit([VOLATILE, "/late", "pose", [1]], soon);
    session.take(1);
    session.emit(pose, soon);
    session.detach();
    session.emit(pose, soon);

    session.greet();
    session.welcomed(welcome({ resumed: true, next: 2 }), 1);

    expect(kinds(packetsOf(session.take(1)))).not.toContain("volatile");
  });

  test("one is dropped when the outbox is above half", () => {
    const { session } = joinedSession({ packets: 4, size: 1 << 20 });
    for (let index = 0; index < 3; index++) session.emit(event(index));

    session.emit(pose, soon);

    expect(kinds(packetsOf(session.take(1)))).not.toContain("volatile");
  });

  test("none leaves while the window is full, and those that do not fit into a message wait for the next", () => {
    const { session } = joinedSession();
    session.outbox.window = { packets: 1, size: 1 << 20 };
    session.emit(event(1));
    session.take(1);
    session.message = 1000;
    for (let index = 0; index < 3; index++) session.emit([VOLATILE, "/", "pose", [index, "x".repeat(400)]], soon);

    const held = session.take(1);
    session.receive(message(0, { kind: "ack", handed: 1 }), 1);

    expect(held).toEqual([]);
    expect(session.take(1).map((data) => packetsOf([data]).length)).toEqual([2, 1]);
  });
});

describe("calls", () => {
  function calling() {
    const opened = joinedSession();
    const outcomes: unknown[] = [];
    emitCall(opened.session, call(1), (error, value) => outcomes.push(error ?? value), 30);
    return { ...opened, outcomes };
  }

  test("a reply is the outcome, once", () => {
    const { session, outcomes } = calling();
    session.take(1);

    session.receive(message(2, { kind: "reply", id: 1, value: "yes" }, { kind: "reply", id: 1, value: "no" }), 2);

    expect(outcomes).toEqual(["yes"]);
  });

  test("a failure is an error with what the other side told", () => {
    const { session, outcomes } = calling();
    session.take(1);

    session.receive(message(2, { kind: "failed", id: 1, code: "busy", message: "later", data: 5 }), 2);

    expect(outcomes).toEqual([new CallFailed("busy", "later", 5)]);
    expect(outcomes).toMatchObject([{ code: "busy", data: 5 }]);
  });

  test("time passes for a call that was sent: it may have run, and is cancelled", () => {
    const { session, outcomes } = calling();
    session.take(1);

    session.tick(30);

    expect(outcomes).toMatchObject([{ constructor: CallTimeout }]);
    expect(packetsOf(session.take(30))).toMatchObject([{ kind: "cancel", id: 1 }]);
  });

  test("time passes for a call that was not sent: it never will be", () => {
    const { session, outcomes } = calling();

    session.tick(30);

    expect(outcomes).toMatchObject([{ constructor: CallNotSent }]);
    expect(session.take(30)).toEqual([]);
  });

  test("the outcome of a call is unknown when the session ends first", () => {
    const { session, outcomes } = calling();
    session.take(1);

    session.end("kicked");

    expect(outcomes).toMatchObject([{ constructor: CallAbandoned }]);
  });
});

describe("bounds", () => {
  test("one packet above a quarter of the bytes is refused", () => {
    const { session } = joinedSession({ packets: 9, size: 4000 });

    expect(() => session.emit(event("x".repeat(1000)))).toThrow(OutboxFull);
  });

  test("a full outbox refuses events, and still takes replies", () => {
    const { session } = joinedSession({ packets: 2, size: 1 << 20 });
    session.emit(event(1));
    session.emit(event(2));

    expect(() => session.emit(event(3))).toThrow(OutboxFull);
    expect(() => session.send(packet({ kind: "reply", id: 1 }))).not.toThrow();
  });

  test("a passed bound loses the session", () => {
    const { session } = joinedSession({ packets: 2, size: 1 << 20 });
    for (let id = 1; id < 132; id++) session.send(packet({ kind: "reply", id }));

    session.take(1);

    expect(session.losses).toMatchObject([{ reason: "overflow" }]);
  });

  test("the server's limit of a message holds", () => {
    const { session } = openSession();
    session.greet();

    session.welcomed(welcome({ message: 200 }), 0);

    expect(() => session.send(packet({ kind: "reply", id: 1, value: "x".repeat(200) }))).toThrow(OutboxFull);
  });
});
