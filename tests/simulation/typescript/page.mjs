/** What a page lends its client: time, dice, sockets and requests, all of them told from outside. */
import { Application } from "./application.mjs";
import { client, NOTHING, record } from "./recording.mjs";

// The client takes more than so many bytes in the buffer of a WebSocket for congestion.
const CONGESTED = 64 << 10;

const textOf = (body) => (typeof body === "string" ? body : Buffer.from(body).toString("base64"));
const finite = (seconds) => (Number.isFinite(seconds) ? seconds : null);

export class Page {
  constructor() {
    this.time = 0;
    this.serial = 0;
    this.notes = [];
    this.timers = new Set();
    this.sockets = new Map();
    this.requests = new Map();
    this.opened = 0;
    this.listener = null;
  }

  // -- one line after the other

  enter(now, serial, taken) {
    this.time = now;
    this.serial = serial;
    for (const [id, size] of taken) {
      const socket = this.sockets.get(id);
      if (socket) socket.buffered -= size;
    }
  }

  note(...what) {
    this.notes.push(what);
  }

  /** Something escaped: nothing that the client does from here on means anything. */
  die(error) {
    this.note("crash", `${error?.stack ?? error}`);
    this.timers.clear();
  }

  /** The earliest timer whose time has come; false if there is none. */
  runTimer() {
    let next = null;
    for (const timer of this.timers) if (timer.at <= this.time && !(next?.at <= timer.at)) next = timer;
    if (!next) return false;
    this.timers.delete(next);
    next.task();
    return true;
  }

  report() {
    this.record?.look();
    const due = Math.min(...[...this.timers].map(({ at }) => at));
    return [this.serial, this.notes.splice(0), finite(due), this.record?.state() ?? NOTHING];
  }

  /** A number from 0 to 1: mulberry32, which needs no more than one number to begin with. */
  dice() {
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  after(seconds, task) {
    const timer = { at: this.time + seconds, task };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  }

  // -- the client

  /** It is loaded, and what it is made of is the same for all clients that it will have. */
  open({ seed, highWater, form }) {
    this.seed = seed;
    this.highWater = highWater;
    this.isText = form === "json";
  }

  /** It makes a client. What goes on for the one before goes on: timers and requests are the page's. */
  begin({ key, auth, kinds, outbox }, joins) {
    const page = this;
    this.record = record(this);
    const platform = {
      clock: { now: () => page.time, after: (seconds, task) => page.after(seconds, task) },
      lifecycle: {
        listen(listener) {
          page.listener = listener;
          return () => {
            page.listener = null;
          };
        },
        beacon: (url, text) => page.note("beacon", text),
      },
      random: { number: () => page.dice(), key: () => key },
      remember: () => undefined,
    };
    const options = {
      url: "http://simulated/antiphon",
      auth: () => auth,
      WebSocket: socketsOf(page),
      fetch: (url, init) => page.fetch(url.slice(url.lastIndexOf("/") + 1), init),
      transports: kinds,
      outbox,
      ...(this.isText && { codec: new client.JsonCodec() }),
    };
    this.client = new client.Client(options, platform);
    this.client.onError((error) => this.die(error));
    this.application = new Application(this);
    for (const [name, proof] of joins) this.application.join(name, proof);
  }

  tick() {}

  moment(which) {
    this.listener?.(which);
  }

  close() {
    this.client.close();
  }

  /** What the application does. */
  app(what, ...how) {
    this.application[what](...how);
  }

  // -- WebSockets

  socketOpened(id) {
    this.sockets.get(id)?.onopen?.({});
  }

  socketReceived(id, text) {
    const data = this.isText ? text : Uint8Array.from(Buffer.from(text, "base64")).buffer;
    this.sockets.get(id)?.onmessage?.({ data });
  }

  socketClosed(id, code, reason) {
    const socket = this.sockets.get(id);
    this.sockets.delete(id);
    if (code === 1006) socket?.onerror?.({});
    socket?.onclose?.({ code, reason });
  }

  // -- requests

  /** One request: a promise of the answer, whose body may be a stream. */
  fetch(verb, { headers, body, signal }) {
    const { promise, resolve, reject } = withResolvers();
    if (signal.aborted) {
      reject(signal.reason);
      return promise;
    }
    const id = ++this.opened;
    const request = { resolve, reject, pieces: null };
    this.requests.set(id, request);
    signal.addEventListener("abort", () => {
      if (!this.requests.delete(id)) return;
      this.note("abandoned", id);
      reject(signal.reason);
      request.pieces?.error(signal.reason);
    });
    const credentials = Object.entries(headers).filter(([name]) => name !== "Content-Type");
    this.note("request", id, verb, headers["Content-Type"], credentials, textOf(body));
    return promise;
  }

  answered(id, status, text, reason) {
    const request = this.requests.get(id);
    this.requests.delete(id);
    request?.resolve({
      ok: status < 300,
      status,
      text: async () => (status < 300 ? text : `${reason}\n`),
      arrayBuffer: async () => Uint8Array.from(Buffer.from(text, "base64")).buffer,
    });
  }

  failed(id) {
    const request = this.requests.get(id);
    this.requests.delete(id);
    request?.reject(new TypeError("the network failed"));
    request?.pieces?.error(new TypeError("the network failed"));
  }

  /** A stream brings a piece; the network cuts it where it likes. */
  streamed(id, text) {
    const request = this.requests.get(id);
    if (!request) return;
    this.#opens(request);
    const bytes = Uint8Array.from(Buffer.from(text, "base64"));
    const half = Math.floor(this.dice() * bytes.length);
    for (const part of [bytes.slice(0, half), bytes.slice(half)]) if (part.length) request.pieces.enqueue(part);
  }

  streamEnded(id) {
    const request = this.requests.get(id);
    if (!request) return;
    this.#opens(request);
    this.requests.delete(id);
    request.pieces.close();
  }

  #opens(request) {
    if (request.pieces) return;
    const body = new ReadableStream({
      start(controller) {
        request.pieces = controller;
      },
    });
    request.resolve({ ok: true, status: 200, body });
  }
}

function withResolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

/** The WebSocket constructor of a page. */
function socketsOf(page) {
  return class {
    binaryType = "blob";
    onopen = null;
    onmessage = null;
    onerror = null;
    onclose = null;
    buffered = 0;
    #id = ++page.opened;

    constructor() {
      page.sockets.set(this.#id, this);
      page.note("socket", this.#id);
    }

    // The network here takes little before it is full, and what is full for the client is fixed: so that is added.
    get bufferedAmount() {
      return this.buffered > page.highWater ? this.buffered + CONGESTED : this.buffered;
    }

    send(data) {
      this.buffered += data.length;
      page.note("sent", this.#id, textOf(data));
    }

    close() {
      page.note("hung_up", this.#id);
    }
  };
}
