/** A connector whose transports are the test. */
import { Backoff } from "../src/backoff.js";
import { Connector, type Link } from "../src/connector.js";
import type { WelcomeFields } from "../src/protocol/packets.js";
import { FakePort, message, openSession, welcome } from "./peers.js";
import type { Recorded } from "./records.js";

type Ask = (link: Link, now: number) => void;

/** Credentials are there at once, unless `ask` does otherwise. */
export function build(kinds = ["websocket", "longpoll"], ask?: Ask) {
  const { session, delivered } = openSession();
  const links: Link[] = [];
  const ports: FakePort[] = [];
  const connector: Connector = new Connector(session, {
    ask: ask ?? ((link, now) => connector.authorized(link, null, now)),
    kinds,
    backoff: new Backoff({}, () => 1),
    open: (_kind, link) => {
      const port = new FakePort();
      links.push(link);
      ports.push(port);
      return port;
    },
  });
  const last = () => ({ link: links.at(-1) as Link, port: ports.at(-1) as FakePort });

  function answer(packet: Recorded, now: number, link = last().link): void {
    connector.received(link, message(0, packet), now);
  }

  /** The newest link opens and is welcomed. */
  function attach(now: number, changes: Partial<WelcomeFields> = {}): void {
    connector.opened(last().link, now);
    answer(welcome(changes), now);
  }

  /** The session lives over long-polling, and a WebSocket is tried beside it. */
  function upgrading(): void {
    connector.start(0);
    connector.tick(2);
    attach(2);
    connector.tick(connector.due);
  }

  return { session, delivered, connector, links, ports, last, answer, attach, upgrading };
}

export function kinds(port: FakePort): string[] {
  return port.packets.map(({ kind }) => kind);
}
