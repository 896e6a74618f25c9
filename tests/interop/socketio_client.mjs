// Any number of socket.io-clients under orders, in one process: each line that comes is an order to one of them, each
// line that goes is something that happened to one. Both are JSON and name the client; see `spelled` and `meant` for
// what JSON has no word for.

import { Socket as Line } from "node:net";
import { createInterface } from "node:readline";
import { io } from "socket.io-client";
import msgpack from "socket.io-msgpack-parser";

const line = new Line({ fd: Number(process.argv[2]) });
const clients = new Map();
const PARSERS = { msgpack };

const spelled = (value) => {
  if (value === undefined) return { js: "undefined" };
  if (value instanceof ArrayBuffer) return spelled(new Uint8Array(value));
  if (ArrayBuffer.isView(value)) return { js: "Buffer", value: Buffer.from(value).toString("hex") };
  if (Array.isArray(value)) return value.map(spelled);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, spelled(item)]));
  }
  return value;
};

const meant = (value) => {
  if (Array.isArray(value)) return value.map(meant);
  if (value === null || typeof value !== "object") return value;
  switch (value.js) {
    case "undefined":
      return undefined;
    case "NaN":
      return NaN;
    case "Date":
      return new Date(value.value);
    case "Buffer":
      return Buffer.from(value.value, "hex");
    case "Uint8Array":
      return Uint8Array.from(Buffer.from(value.value, "hex"));
    case "Float32Array":
      return Float32Array.from(value.value);
    case "ArrayBuffer":
      return Uint8Array.from(Buffer.from(value.value, "hex")).buffer;
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, meant(item)]));
};

class Client {
  constructor(id, socket) {
    this.id = id;
    this.socket = socket;
    this.answers = {};
    socket.on("connect", () => this.tell("connect", socket.id, Boolean(socket.recovered)));
    socket.on("connect_error", (error) => this.tell("connect_error", error.message, error.data ?? null));
    socket.on("disconnect", (reason) => this.tell("disconnect", reason));
    socket.onAny((event, ...args) => {
      const answer = typeof args.at(-1) === "function" ? args.pop() : undefined;
      this.tell("event", event, ...args);
      if (answer !== undefined) this.answer(event, args, answer);
    });
    this.watch();
  }

  /** What its connection does is told as well. Namespaces that share one are told by the first of them. */
  watch() {
    const manager = this.socket.io;
    if (manager.watched) return;
    manager.watched = true;
    manager.on("open", () => {
      const engine = manager.engine;
      engine.on("upgrade", (transport) => this.tell("upgrade", transport.name));
      engine.on("upgradeError", (error) => this.tell("upgrade_error", error.message));
      engine.on("ping", () => this.tell("ping"));
    });
    manager.on("reconnect_failed", () => this.tell("reconnect_failed"));
  }

  /** With what it was given; or with what it was told to answer to this event, which may be nothing at all. */
  answer(event, args, answer) {
    const wanted = this.answers[event];
    if (wanted === undefined) answer(...args);
    else if (wanted !== "withheld") answer(...wanted);
  }

  tell(...what) {
    if (clients.get(this.id) === this) line.write(`${JSON.stringify({ client: this.id, told: spelled(what) })}\n`);
  }
}

/** `auths`: given one after another whenever the client is asked who it is; the last one again and again. */
const credentials = ({ auth, auths }) => {
  if (auths === undefined) return meant(auth);
  return (give) => give(meant(auths.length > 1 ? auths.shift() : auths[0]));
};

const open = ({ client, origin, namespace, options }) => {
  const { auth, auths, parser, ...rest } = options;
  const settings = { forceNew: true, reconnection: false, ...rest, auth: credentials({ auth, auths }) };
  if (parser !== undefined) settings.parser = PARSERS[parser];
  clients.set(client, new Client(client, io(origin + namespace, settings)));
};

/** Another namespace on the connection of a client. */
const beside = ({ client, of, namespace, options }) => {
  const socket = clients.get(of).socket.io.socket(namespace, { auth: credentials(options) });
  clients.set(client, new Client(client, socket));
};

const reset = () => {
  const managers = new Set([...clients.values()].map((client) => client.socket.io));
  clients.clear();
  for (const manager of managers) manager.disconnect();
  line.write(`${JSON.stringify({ client: 0, told: ["reset"] })}\n`);
};

const ask = (client, { event, number, timeout, promised }, args) => {
  const tell = (fault, ...values) => client.tell("answer", number, fault, ...values);
  const socket = timeout === null ? client.socket : client.socket.timeout(timeout);
  if (promised) {
    socket.emitWithAck(event, ...args).then((value) => tell(null, value), (error) => tell(error.message));
  } else if (timeout === null) {
    socket.emit(event, ...args, (...values) => tell(null, ...values));
  } else {
    socket.emit(event, ...args, (error, ...values) => tell(error?.message ?? null, ...values));
  }
};

const obey = (client, order) => {
  const args = meant(order.args ?? []);
  const { socket } = client;
  switch (order.do) {
    case "emit":
      (order.volatile ? socket.volatile : socket).emit(order.event, ...args);
      break;
    case "count":
      for (let number = order.from; number < order.to; number += 1) socket.emit(order.event, number, ...args);
      break;
    case "ask":
      ask(client, order, args);
      break;
    case "answer":
      client.answers[order.event] = meant(order.answer);
      break;
    case "auth":
      socket.auth = credentials({ auth: order.auth });
      break;
    case "pid":
      [socket._pid, socket._lastOffset] = [order.pid, order.offset];
      break;
    case "look":
      client.tell("looks", {
        connected: socket.connected,
        writable: Boolean(socket.io.engine.transport.writable),
        transport: socket.io.engine.transport.name,
        pid: socket._pid ?? null,
        offset: socket._lastOffset ?? null,
      });
      break;
    case "say":
      socket.io.engine.write(order.message);
      break;
    case "connect":
      socket.connect();
      break;
    case "disconnect":
      socket.disconnect();
      break;
    case "close":
      socket.io.engine.close();
      break;
  }
};

createInterface({ input: line })
  .on("line", (text) => {
    const order = JSON.parse(text);
    if (order.do === "open") open(order);
    else if (order.do === "beside") beside(order);
    else if (order.do === "reset") reset();
    else obey(clients.get(order.client), order);
  })
  .on("close", () => process.exit());
