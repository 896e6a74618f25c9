/** Which kind of transport is tried when, and what is asked for before. */
import { describe, expect, test } from "vitest";
import type { Link } from "../src/connector.js";
import { build } from "./links.js";
import { welcome } from "./peers.js";

describe("credentials", () => {
  test("are asked for before the transport is opened, and its time counts from then on", () => {
    const asked: Link[] = [];
    const { connector, links, last } = build(undefined, (link) => asked.push(link));
    connector.start(0);

    connector.tick(25);
    const before = links.length;
    connector.authorized(asked[0] as Link, "token", 25);
    connector.opened(last().link, 26.5);

    expect([before, links.length, asked.length]).toEqual([0, 1, 1]);
    expect(last().port.packets).toMatchObject([{ kind: "hello", auth: "token" }]);
  });

  test("that the application has not are asked for again after a wait, for the same transport", () => {
    const asked: Link[] = [];
    const { connector, links } = build(undefined, (link) => asked.push(link));
    connector.start(0);

    connector.lost(asked[0] as Link, 5, 0, "auth");
    const waiting = { retryAt: connector.retryAt, reason: connector.reason };
    connector.tick(6);

    expect(waiting).toEqual({ retryAt: 6, reason: "auth" });
    expect(asked.map(({ kind }) => kind)).toEqual(["websocket", "websocket"]);
    expect(links).toEqual([]);
  });

  test("that do not come in thirty seconds are given up, and count no more when they come", () => {
    const asked: Link[] = [];
    const { connector, links } = build(undefined, (link) => asked.push(link));
    connector.start(0);

    connector.tick(30);
    connector.authorized(asked[0] as Link, "late", 31);

    expect(connector).toMatchObject({ candidate: null, retryAt: 31 });
    expect(links).toEqual([]);
  });

  test("that are missing beside a living link leave that alone", () => {
    let asks = 0;
    const { connector, upgrading, links } = build(undefined, (link, now) => {
      if (++asks < 3) connector.authorized(link, null, now);
      else connector.lost(link, now, 0, "auth");
    });

    upgrading();

    expect(connector.live).toBe(links[1]);
    expect(connector.retryAt).toBe(5);
  });
});

describe("an event stream in the middle", () => {
  const KINDS = ["websocket", "sse", "longpoll"];

  test("gives way when its Welcome takes more than four seconds, for something may hold it back", () => {
    const { connector, last } = build(KINDS);
    connector.start(0);
    connector.lost(last().link, 0);
    connector.opened(last().link, 0);
    const first = last().link.kind;

    connector.tick(3.9);
    const before = last().link.kind;
    connector.tick(4);

    expect([first, before, last().link.kind]).toEqual(["sse", "sse", "longpoll"]);
  });

  test("has all the time of others when it is the last choice", () => {
    const { connector, last } = build(["websocket", "sse"]);
    connector.start(0);
    connector.lost(last().link, 0);

    connector.opened(last().link, 0);

    expect(connector.candidate?.until).toBe(10);
  });

  test("is tried beside long-polling when the WebSocket fails there, and the session moves over to it", () => {
    const { connector, last, attach, answer, links, ports } = build(KINDS);
    connector.start(0);
    connector.lost(last().link, 0);
    connector.lost(last().link, 0);
    attach(0);
    connector.tick(1);
    connector.lost(last().link, 1);
    connector.opened(last().link, 1);
    answer({ kind: "pong", time: 1000, now: 0 }, 1);

    answer(welcome({ resumed: true }), 1);

    expect(links.map(({ kind }) => kind)).toEqual(["websocket", "sse", "longpoll", "websocket", "sse"]);
    expect(connector.live?.kind).toBe("sse");
    expect(ports[2]?.closed).toBe(true);
  });

  test("is not tried beside itself", () => {
    const { connector, last, attach, links } = build(KINDS);
    connector.start(0);
    connector.lost(last().link, 0);
    attach(0);
    connector.tick(1);

    connector.lost(last().link, 1);

    expect(links.map(({ kind }) => kind)).toEqual(["websocket", "sse", "websocket"]);
    expect(connector).toMatchObject({ candidate: null, retryAt: 3 });
  });
});

describe("what worked on the last visit", () => {
  test("is tried first, and what is better beside it", () => {
    const { connector, attach, links } = build(["websocket", "sse", "longpoll"]);

    connector.start(0, "sse");
    attach(0);
    connector.tick(1);

    expect(links.map(({ kind }) => kind)).toEqual(["sse", "websocket"]);
  });

  test.each([undefined, "carrier pigeon"])("being %s, the first kind is tried first", (worked) => {
    const { connector, last } = build();

    connector.start(0, worked);

    expect(last().link.kind).toBe("websocket");
  });
});
