/**
 * The compiled client, and what is written down of what goes on inside: where an application cannot see it.
 *
 * The methods that are watched do what they did; whoever looks from outside sees the public fields only.
 */
import { pathToFileURL } from "node:url";

const from = (path) => import(new URL(path, pathToFileURL(`${process.argv[2]}/`)));
const { Client } = await from("client.js");
const { Connector } = await from("connector.js");
const { Namespace } = await from("namespace.js");
const { JsonCodec } = await from("protocol/json_form.js");
const { ClientSession } = await from("protocol/client_session.js");
const { Calls } = await from("protocol/calls.js");
const { Outbox } = await from("protocol/outbox.js");
const { CALL, EVENT } = await from("protocol/packets.js");
const errors = await from("errors.js");

export const client = { Client, JsonCodec, ...errors };

/** The one that something happens to. */
let current = null;

/** Run `watch` with the method that it takes the place of. */
function watch({ prototype }, name, watched) {
  const method = prototype[name];
  prototype[name] = function (...args) {
    return watched.call(this, method.bind(this), ...args);
  };
}

/** The arguments of an event or call; the first of them is its serial number. */
function argsOf(packet) {
  return packet[0] === EVENT ? packet[3] : packet[0] === CALL ? packet[4] : null;
}

/** A call with streams has no place in the order of the others. */
function kindOf(packet, { key }) {
  if (packet[0] === EVENT) return key ? "latest" : "event";
  return packet[7] || packet[8] ? "stream" : "call";
}

watch(Connector, "start", function (method, ...args) {
  current.connector = this;
  return method(...args);
});

watch(ClientSession, "detach", (method) => {
  current.page.note("detached");
  method();
});

watch(ClientSession, "emit", (method, packet, wishes = {}) => {
  const entry = method(packet, wishes);
  const args = argsOf(packet);
  if (args) {
    const kind = kindOf(packet, wishes);
    const namespace = packet[packet[0] === CALL ? 2 : 1];
    const key = kind === "latest" ? args[4] : "";
    current.page.note("queued", kind, args[0], namespace, !!wishes.repeatable, key, entry.gate !== null);
    if (key) current.latest.set(args[0], entry);
  }
  return entry;
});

watch(ClientSession, "_giveBack", (method, which) => {
  current.givesBack = true;
  method(which);
  current.givesBack = false;
});

watch(Outbox, "withdraw", (method, which) => {
  const withdrawn = method(which);
  for (const { packet, redelivered } of withdrawn) {
    const args = argsOf(packet);
    if (!args) continue;
    current.latest.delete(args[0]);
    current.page.note("withdrawn", args[0], redelivered, current.givesBack);
  }
  return withdrawn;
});

watch(Namespace, "_deliver", function (method, packet) {
  const args = argsOf(packet);
  if (args && !current.connector.session.member(this.name).wanted) current.page.note("nobodys", args[0]);
  else if (packet[0] === CALL) current.called.set(packet[1], args[0]);
  method(packet);
});

watch(Calls, "close", (method, owner, failure) => {
  if (owner < 0 && current.running.has(current.called.get(-owner))) current.stopping.add(current.called.get(-owner));
  method(owner, failure);
});

/** The state of no client. */
export const NOTHING = [null, null, 0, 0, 0, true, 0, [], null, null];

class Record {
  connector = null;
  /** The latest values that have no number yet. */
  latest = new Map();
  givesBack = false;
  /** The calls of the server by their ids, as serial numbers. */
  called = new Map();
  /** The handlers of calls that run, and those that nobody wants to go on. */
  running = new Set();
  stopping = new Set();

  constructor(page) {
    this.page = page;
  }

  /** Nothing is under way in this instant any more. */
  look() {
    for (const [serial, { number }] of this.latest) {
      if (!number) continue;
      this.latest.delete(serial);
      this.page.note("numbered", serial, number);
    }
    for (const serial of this.stopping) if (this.running.has(serial)) this.page.note("goes_on", serial);
    this.stopping.clear();
  }

  state() {
    // There is none when the client could not be made.
    if (!this.connector) return NOTHING;
    const { session, live, stopped } = this.connector;
    const { outbox, ending } = session;
    return [
      session.sid,
      ending && [ending.code, ending.reason],
      outbox.packets,
      outbox.size,
      outbox.numbered,
      outbox.idle,
      session.calls.size,
      this.page.application.wanted(session),
      live && live.kind,
      stopped && [stopped.code, stopped.reason],
    ];
  }
}

/** Write down what happens to the client of a page from here on. */
export function record(page) {
  current = new Record(page);
  return current;
}
