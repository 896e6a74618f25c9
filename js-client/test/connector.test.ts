/** Which transport is opened when, and which of them speaks for the session. */
import { describe, expect, test } from "vitest";
import type { Link } from "../src/connector.js";
import { FENCED } from "../src/protocol/closing.js";
import type { Packet } from "../src/protocol/packets.js";
import { build, kinds } from "./links.js";
import { event, type FakePort, message, said, welcome } from "./peers.js";
import { packet, type Recorded } from "./records.js";

describe("the first connection", () => {
  test("says Hello as soon as the transport is open, and lives with the Welcome", () => {
    const { connector, last, attach } = build();
    connector.start(0);

    attach(1);

    expect(kinds(last().port)).toEqual(["hello"]);
    expect(connector.live?.kind).toBe("websocket");
  });

  test("a WebSocket that is not open in two seconds gives way to polling", () => {
    const { connector, links, ports } = build();
    connector.start(0);

    connector.tick(1.9);
    const before = links.length;
    connector.tick(2);

    expect([before, links.length]).toEqual([1, 2]);
    expect(links[1]?.kind).toBe("longpoll");
    expect(ports[0]?.closed).toBe(true);
  });

  test("a WebSocket that is refused gives way at once", () => {
    const { connector, last } = build();
    connector.start(0);

    connector.lost(last().link, 0.1);

    expect(last().link.kind).toBe("longpoll");
  });

  test("when the last kind fails, the first is tried again after a wait", () => {
    const { connector, last, links } = build();
    connector.start(0);
    connector.lost(last().link, 0);
    connector.lost(last().link, 5);

    connector.tick(5.9);
    const waiting = links.length;
    connector.tick(6);

    expect(waiting).toBe(2);
    expect(last().link.kind).toBe("websocket");
  });

  test("no Welcome in ten seconds is a failure", () => {
    const { connector, last, links } = build(["websocket"]);
    connector.start(0);
    connector.opened(last().link, 0);

    connector.tick(10);

    expect(links).toHaveLength(1);
    expect(connector).toMatchObject({ candidate: null, retryAt: 11 });
  });

  test.each<[string, number, Packet | Recorded]>([
    ["an event", 1, event(1)],
    ["a pong that nobody asked for", 0, { kind: "pong", time: 1, now: 1 }],
  ])("%s in the place of Welcome is a failure", (_what, number, packet) => {
    const { connector, last } = build(["websocket"]);
    connector.start(0);
    connector.opened(last().link, 0);

    connector.received(last().link, message(number, packet), 1);

    expect(connector.candidate).toBeNull();
  });

  test("what cannot be read is a failure, too", () => {
    const { connector, last } = build(["websocket"]);
    connector.start(0);
    connector.opened(last().link, 0);

    connector.received(last().link, new Uint8Array([0xc1]), 1);

    expect(connector.candidate).toBeNull();
  });
});

describe("refusals", () => {
  test("stale: the attempt goes above the server's, at once", () => {
    const { connector, session, last, answer } = build();
    connector.start(0);
    connector.opened(last().link, 0);

    answer({ kind: "refuse", code: "stale", attempt: 7 }, 1);
    connector.tick(1);
    connector.opened(last().link, 1);

    expect(session.attempt).toBe(8);
  });

  test.each(["unauthorized", "principal_changed", "revoked", "closed", "version"])("%s is final", (code) => {
    const { connector, last, answer, session } = build();
    connector.start(0);
    connector.opened(last().link, 0);

    answer({ kind: "refuse", code, reason: "no" }, 1);

    expect(connector.stopped).toEqual({ code, reason: "no" });
    expect(session.losses).toMatchObject([{ reason: code, detail: "no", retryAfter: null }]);
  });

  test("others are tried again, not before the server wants to", () => {
    const { connector, last, answer } = build();
    connector.start(0);
    connector.opened(last().link, 0);

    answer({ kind: "refuse", code: "try_later", retryAfter: 5000 }, 1);

    expect(connector.retryAt).toBe(6);
  });

  test("when the server says when to come back, nothing makes us come earlier", () => {
    const { connector, last, answer } = build();
    connector.start(0);
    connector.opened(last().link, 0);
    answer({ kind: "refuse", code: "draining", retryAfter: 7000 }, 1);

    connector.hurry(2);
    const hurried = connector.retryAt;
    connector.offline(3);
    connector.online(4);

    expect([hurried, connector.retryAt]).toEqual([8, 8]);
  });

  test("one beside a living link leaves that alone, and the next try far away", () => {
    const { connector, last, answer, upgrading, links } = build();
    upgrading();
    connector.opened(last().link, 3);
    answer({ kind: "pong", time: 3000, now: 0 }, 3);

    answer({ kind: "refuse", code: "unauthorized" }, 3);

    expect(connector).toMatchObject({ stopped: null, due: 33 });
    expect(connector.live).toBe(links[1]);
  });

  test("another person's credentials end the session that lives, which is told so", () => {
    const { connector, last, answer, upgrading, ports } = build();
    upgrading();
    connector.opened(last().link, 3);
    answer({ kind: "pong", time: 3000, now: 0 }, 3);

    answer({ kind: "refuse", code: "principal_changed", reason: "another" }, 3);

    expect(connector.stopped).toEqual({ code: "principal_changed", reason: "another" });
    expect(ports[1]?.packets.at(-1)).toMatchObject({ kind: "close", code: "principal_changed" });
    expect(ports.map(({ closed }) => closed)).toEqual([true, true, true]);
  });
});

describe("moving over", () => {
  test("the better kind is tried beside the living one, and proves itself by a Pong before Hello", () => {
    const { connector, last, answer, upgrading, ports } = build();
    upgrading();

    connector.opened(last().link, 3);
    const first = kinds(last().port);
    answer({ kind: "pong", time: 3000, now: 0 }, 3);
    const second = kinds(last().port);
    answer(welcome({ resumed: true }), 3);

    expect([first, second]).toEqual([["ping"], ["ping", "hello"]]);
    expect(connector.live?.kind).toBe("websocket");
    expect(ports[1]?.closed).toBe(true);
  });

  test("a path that swallows one direction does not fence the living one", () => {
    const { connector, last, upgrading, links, ports } = build();
    upgrading();
    connector.opened(last().link, 3);

    connector.tick(8);

    expect(connector.live).toBe(links[1]);
    expect(kinds(ports[2] as FakePort)).toEqual(["ping"]);
  });

  test("the tries beside a living link become rarer, up to thirty seconds", () => {
    const { connector, session, last, upgrading } = build();
    upgrading();
    session.patience = Number.POSITIVE_INFINITY;
    const waits: number[] = [];
    let now = 3;
    while (waits.length < 6) {
      connector.lost(last().link, now);
      waits.push(connector.due - now);
      now = connector.due;
      connector.tick(now);
    }

    expect(waits).toEqual([2, 4, 8, 16, 30, 30]);
  });

  test("events go over the old link until the Welcome of the new one, and nothing comes from the old one after it", () => {
    const { connector, session, delivered, last, answer, upgrading, links, ports } = build();
    const member = session.member("/");
    upgrading();
    session.join(member);
    session.receive(message(1, { kind: "joined", namespace: "/", socket: "x" }), 3);
    session.joined(member, "x");
    session.open(member);
    connector.opened(last().link, 3);
    answer({ kind: "pong", time: 3000, now: 0 }, 3);
    session.emit(event(1));
    connector.flush(3);
    answer(welcome({ resumed: true, received: 2, next: 2 }), 3);

    connector.received(links[1] as Link, message(2, event("late")), 3);

    expect(said(ports[1]?.written ?? [])).toEqual([1]);
    expect(delivered.map(({ kind }) => kind)).toEqual(["joined"]);
  });

  test("while the takeover waits for Welcome, losing the old link starts nothing beside it", () => {
    const { connector, last, answer, upgrading, links } = build();
    upgrading();
    connector.opened(last().link, 3);
    answer({ kind: "pong", time: 3000, now: 0 }, 3);

    connector.lost(links[1] as Link, 4, FENCED, "2");

    expect(links).toHaveLength(3);
    expect(connector).toMatchObject({ live: null, stopped: null, retryAt: Number.POSITIVE_INFINITY });
  });

  test("while it takes over, it counts as the one that carries", () => {
    const { connector, last, answer, upgrading, links } = build();
    upgrading();
    connector.opened(last().link, 3);
    const probing = connector.carrier;
    answer({ kind: "pong", time: 3000, now: 0 }, 3);

    connector.lost(links[1] as Link, 4, FENCED, "2");

    expect(probing).toBe(links[1]);
    expect(connector.carrier).toBe(links[2]);
  });

  test("a takeover whose Welcome is lost is given up after three seconds, and another attach begins", () => {
    const { connector, last, answer, upgrading, links } = build();
    upgrading();
    connector.opened(last().link, 3);
    answer({ kind: "pong", time: 3000, now: 0 }, 3);
    connector.lost(links[1] as Link, 4, FENCED, "2");

    connector.tick(6);

    expect(links.slice(2).map(({ kind }) => kind)).toEqual(["websocket", "longpoll"]);
  });

  test("losing the living link while the other one is probed, the other one takes its chance", () => {
    const { connector, last, upgrading, links } = build();
    upgrading();
    connector.opened(last().link, 3);

    connector.lost(links[1] as Link, 4);

    expect(kinds(last().port)).toEqual(["ping", "hello"]);
  });

  test("losing the living link while the other one is not open yet, what worked comes first", () => {
    const { connector, last, upgrading, links, ports } = build();
    upgrading();

    connector.lost(links[1] as Link, 4);
    connector.tick(5);

    expect(ports[2]?.closed).toBe(true);
    expect(last().link.kind).toBe("longpoll");
  });
});

describe("losing the link", () => {
  test("the session is kept, and attached again after a wait", () => {
    const { connector, session, last, attach } = build();
    connector.start(0);
    attach(0);

    connector.lost(last().link, 10, 1006);
    const state = session.state;
    connector.tick(11);
    attach(11, { resumed: true });

    expect(state).toBe("detached");
    expect(connector).toMatchObject({ resumed: true, stopped: null });
  });

  test("fenced by an attempt that is not ours, somebody else holds the key: it stops", () => {
    const { connector, last, attach } = build();
    connector.start(0);
    attach(0);

    connector.lost(last().link, 1, FENCED, "2");

    expect(connector.stopped?.code).toBe("replaced");
  });

  test("a violated contract is told to the server, and a new session is asked for not at once", () => {
    const { connector, session, last, attach } = build();
    connector.start(0);
    attach(0);

    connector.received(last().link, message(0, { kind: "ack", handed: 9 }), 1);

    expect(kinds(last().port)).toEqual(["hello", "ack", "close"]);
    expect(last().port.closed).toBe(true);
    expect(session.greet()[1].sid).toBeNull();
    expect(connector.retryAt).toBe(2);
  });

  test("a session that the server ended for good is not tried again", () => {
    const { connector, last, attach } = build();
    connector.start(0);
    attach(0);

    connector.received(last().link, message(0, { kind: "close", code: "kicked", reason: "spam" }), 1);

    expect(connector.stopped).toEqual({ code: "kicked", reason: "spam" });
  });

  test("a mismatch asks for a new session at once", () => {
    const { connector, last, attach, session } = build();
    connector.start(0);
    attach(0);
    connector.lost(last().link, 1);
    connector.tick(2);

    attach(2, { resumed: true, sid: "s9" });

    expect(connector).toMatchObject({ live: null, retryAt: 2 });
    expect(session.losses).toMatchObject([{ reason: "mismatch" }]);
  });

  test("silence is a loss", () => {
    const { connector, attach } = build();
    connector.start(0);
    attach(0);

    connector.tick(40);

    expect(connector).toMatchObject({ live: null, reason: "silent" });
  });
});

describe("the network", () => {
  test("offline drops the link, and nothing is tried until it is back", () => {
    const { connector, attach, last, links } = build();
    connector.start(0);
    attach(0);

    connector.offline(5);
    connector.tick(500);
    const meanwhile = links.length;
    connector.online(600, 0.5);
    connector.tick(600.5);

    expect(meanwhile).toBe(1);
    expect(last().link.kind).toBe("websocket");
    expect(links).toHaveLength(2);
  });

  test("a reason to hurry shortens a wait, and never lengthens one", () => {
    const { connector, last, attach } = build();
    connector.start(0);
    attach(0);
    connector.lost(last().link, 10);

    connector.hurry(10, 5);
    const long = connector.retryAt;
    connector.hurry(10, 0.25);

    expect([long, connector.retryAt]).toEqual([11, 10.25]);
  });
});

describe("writing", () => {
  test("nothing is taken while the link is congested", () => {
    const { connector, session, last, attach } = build();
    connector.start(0);
    attach(0);
    last().port.congested = true;
    session.join(session.member("/"));

    connector.flush(1);
    const before = kinds(last().port);
    last().port.congested = false;
    connector.flush(1);

    expect(before).toEqual(["hello"]);
    expect(kinds(last().port)).toEqual(["hello", "join"]);
  });
});

describe("goodbye", () => {
  test("is said on the living link, which is then closed", () => {
    const { connector, last, attach } = build();
    connector.start(0);
    attach(0);

    connector.close(1);
    connector.flush(1);

    expect(kinds(last().port)).toEqual(["hello", "ping", "ack", "close"]);
    expect(connector.stopped?.code).toBe("closed");
    expect(last().port.closed).toBe(true);
  });

  test("is over when both ends no longer agree on the session", () => {
    const { connector, session, last, attach } = build();
    connector.start(0);
    attach(0);
    session.send(packet({ kind: "reply", id: 1 }));
    connector.opened(last().link, 0);
    connector.close(1);

    connector.received(last().link, message(0, { kind: "ack", handed: 9 }), 1);

    expect(connector.stopped?.code).toBe("closed");
  });

  test("is over when the link is lost meanwhile", () => {
    const { connector, session, last, attach } = build();
    connector.start(0);
    attach(0);
    session.send(packet({ kind: "reply", id: 1 }));
    connector.close(1);

    connector.lost(last().link, 1.5);

    expect(connector.stopped?.code).toBe("closed");
  });

  test("without a link needs nobody", () => {
    const { connector } = build();
    connector.start(0);

    connector.close(1);

    expect(connector).toMatchObject({ candidate: null, stopped: { code: "closed" }, due: Number.POSITIVE_INFINITY });
  });
});
