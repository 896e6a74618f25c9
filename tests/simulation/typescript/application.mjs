/**
 * The application of a page, as applications.py and conversation.py are those of a client in Python.
 *
 * Its handlers say what they are handed, take their time, and ask back.
 */
import { client } from "./recording.mjs";

// What a source that fails says, and what its reader is to be told.
const BROKE = "broke";

const isOurs = (error) => error instanceof client.AntiphonError;

export class Application {
  #page;
  #namespaces = new Map();

  constructor(page) {
    this.#page = page;
    page.client.onLoss(({ reason, detail, unconfirmed, unsent, retryAfter }) => {
      const told = unconfirmed.map(({ args, arrived }) => [args[0], arrived]);
      page.note("loss", reason, detail, told, unsent.map(({ args }) => args[0]), retryAfter);
    });
  }

  /** The namespaces that were asked for and did not refuse. */
  wanted(session) {
    return [...this.#namespaces.keys()].filter((name) => session.member(name).wanted);
  }

  // -- what it is told to do

  join(name, auth) {
    let namespace;
    try {
      namespace = this.#page.client.namespace(name, { auth });
    } catch (error) {
      if (error instanceof client.ConnectionClosed) return;
      throw error;
    }
    if (this.#namespaces.has(name)) return;
    this.#namespaces.set(name, namespace);
    this.#listen(name, namespace);
  }

  leave(name) {
    this.#namespaces.get(name).leave();
  }

  emit(name, serial, delay, ask, pad, repeatable, deadline, key) {
    const options = { repeatable, ...(deadline !== null && { deadline }), ...(key && { latest: key }) };
    try {
      const filling = key || new Uint8Array(pad);
      this.#namespaces.get(name).with(options).emit("e", serial, delay, ask, repeatable, filling);
    } catch (error) {
      if (!isOurs(error)) throw error;
    }
  }

  emitVolatile(name, serial) {
    try {
      this.#namespaces.get(name).with({ volatile: true }).emit("v", `~u${`${serial}`.padStart(6, "0")}`);
    } catch (error) {
      if (!isOurs(error)) throw error;
    }
  }

  call(name, serial, delay, timeout, repeatable, givesUp) {
    const place = this.#namespaces.get(name).with({ timeout, repeatable, signal: this.#signal(givesUp) });
    return this.#outcome(serial, () => place.call("c", serial, delay, repeatable));
  }

  stream(name, serial, [event, items, pace, pad, fails, slow, leaves, timeout, givesUp]) {
    const signal = this.#signal(givesUp);
    const place = this.#namespaces.get(name).with({ timeout: timeout ?? Number.POSITIVE_INFINITY, signal });
    const source = () => this.#source(serial, 1, items, pace, pad, fails);
    return this.#outcome(serial, async () => {
      if (event === "sum") return place.call("sum", serial, source(), slow, leaves);
      const answer =
        event === "ticks" ? place.stream("ticks", serial, items, pace, pad, fails) : place.stream("echo", serial, source());
      for await (const _ of this.#items(serial, 0, answer, slow, leaves));
      return null;
    });
  }

  async #outcome(serial, ask) {
    try {
      this.#page.note("outcome", serial, await ask(), null);
    } catch (error) {
      this.#page.note("outcome", serial, null, isOurs(error) ? error.name : "given up");
    }
  }

  /** It aborts after so many seconds. */
  #signal(givesUp) {
    if (givesUp === null) return undefined;
    const stop = new AbortController();
    this.#page.after(givesUp, () => stop.abort());
    return stop.signal;
  }

  /** So many seconds, unless nobody waits any more. */
  #sleep(seconds, signal) {
    return new Promise((resolve, reject) => {
      const cancel = this.#page.after(seconds, resolve);
      signal?.addEventListener("abort", () => {
        cancel();
        reject(signal.reason);
      });
    });
  }

  // -- what it is told

  #listen(name, namespace) {
    const page = this.#page;
    const application = this;
    namespace.onConnect(() => {
      page.note("entered", name);
      if (page.dice() < 0.5) this.emit(name, ++page.serial, 0, false, 0, false, null, "");
      return page.dice() < 0.3 ? this.#sleep(0.3) : null;
    });
    namespace.onDisconnect(() => page.note("left", name));
    namespace.onRefused(() => {});
    namespace.on("e", async (serial, delay, ask) => {
      page.note("event", serial);
      if (delay) await this.#sleep(delay / 1000);
      if (ask) await this.call(name, ++page.serial, 0, 5, false, null);
    });
    namespace.on("c", async function (serial, delay) {
      page.note("event", serial);
      page.record.running.add(serial);
      try {
        if (delay) await application.#sleep(delay / 1000, this.signal);
        return serial;
      } finally {
        page.record.running.delete(serial);
      }
    });
    namespace.on("v", (mark) => page.note("volatile", Number(mark.slice(2))));
    namespace.on("ticks", (serial, ...how) => {
      page.note("started", serial);
      return this.#source(serial, 0, ...how);
    });
    namespace.on("sum", async (serial, rows, slow, leaves) => {
      page.note("started", serial);
      for await (const _ of this.#items(serial, 1, rows, slow, leaves));
      return serial;
    });
    namespace.on("echo", (serial, rows) => {
      page.note("started", serial);
      return this.#echo(serial, rows);
    });
  }

  async *#echo(serial, rows) {
    this.#page.note("source_began", serial, 0);
    let how = "stopped";
    let count = 0;
    try {
      for await (const item of this.#items(serial, 1, rows, 0, 0)) {
        yield this.#produced(serial, 0, count++, item[3].length);
      }
      how = "done";
    } catch (error) {
      how = error.code === BROKE ? "failed" : "lost";
      throw error;
    } finally {
      this.#page.note("source_ended", serial, 0, how);
    }
  }

  // -- the two ends of a stream

  async *#source(serial, number, items, pace, pad, fails) {
    this.#page.note("source_began", serial, number);
    let how = "stopped";
    try {
      for (let count = 0; count < items; count++) {
        if (count === fails) {
          how = "failed";
          throw new client.CallFailed(BROKE, "as planned");
        }
        yield this.#produced(serial, number, count, pad);
        if (pace) await this.#sleep(pace);
      }
      how = "done";
    } finally {
      this.#page.note("source_ended", serial, number, how);
    }
  }

  #produced(serial, number, count, pad) {
    this.#page.note("produced", serial, number, pad);
    return [serial, number, count, new Uint8Array(pad)];
  }

  async *#items(serial, number, stream, slow, leaves) {
    const page = this.#page;
    page.note("reader_began", serial, number);
    let how = "left";
    let taken = 0;
    try {
      for await (const item of stream) {
        page.note("taken", serial, number, item.slice(0, 3));
        yield item;
        if (++taken === leaves) return;
        if (slow) await this.#sleep(slow);
      }
      how = "done";
    } catch (error) {
      if (isOurs(error)) how = error.code === BROKE ? "failed" : "lost";
      throw error;
    } finally {
      page.note("reader_ended", serial, number, how);
    }
  }
}
