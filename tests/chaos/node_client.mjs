/**
 * The browser client under chaos: the very file that pages load, several clients in one Node process.
 *
 * A command is a line on standard input (connect, begin, stop, record), its answer a line of JSON. The end of the input
 * is the goodbye. What is recorded has the shape of history.py, and what is sent follows traffic.py.
 */
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { runInThisContext } from "node:vm";

const { url, rate, clients } = JSON.parse(process.argv[2]);
const script = new URL("../../framework/antiphon/browser/antiphon.js", import.meta.url);
runInThisContext(await readFile(script, "utf8"), { filename: script.pathname });
const { Client, CallError, OutboxFull } = globalThis.antiphon;

const NAMESPACE = "/chaos";
const EVENT = "number";
const QUESTION = "question";
const BEAT = 25;
const CALLS = 10;
const LARGE = 25;
const CALL_TIMEOUT = 60;
const BACKOFF = { first: 0.05, base: 0.05, ceiling: 0.3, stable: 5 };

const complaints = [];
const answer = (number) => 3 * number + 1;
const range = (low, high) => low + Math.floor(Math.random() * (high - low + 1));
const padding = () => new Uint8Array(range(1, LARGE) === 1 ? range(2000, 6000) : range(0, 200));

/** One client of this name that may use these transports. */
class ChaosClient {
  side = { sent: [], delivered: [], calls: [], outcomes: [], losses: [], transports: {} };
  attaches = 0;
  #client;
  #namespace;
  #number = 0;
  #sent = 0;
  #began = 0;
  #beat;

  constructor(name, transports) {
    this.#client = new Client({ url, transports, backoff: BACKOFF });
    this.#client.onLoss(({ reason, unconfirmed, unsent }) =>
      this.side.losses.push({ reason, reported: [...unconfirmed, ...unsent].map(({ args }) => args[0]) }),
    );
    this.#client.onError((error) => complaints.push(`${name}: ${error?.stack ?? error}`));
    this.#client.onState(({ state, previous }) => {
      this.attaches += state === "connected" && previous !== "connected";
    });
    this.#namespace = this.#client.namespace(NAMESPACE, { auth: name });
    this.#namespace.on(EVENT, (number) => this.#deliver(number));
    this.#namespace.on(QUESTION, (number) => {
      this.#deliver(number);
      return answer(number);
    });
    this.connected = new Promise((resolve) => this.#namespace.onConnect(resolve));
  }

  begin() {
    this.#began = performance.now();
    this.#beat = setInterval(() => {
      while (this.#sent < ((performance.now() - this.#began) / 1000) * rate) {
        this.#sent++;
        if (this.#sent % CALLS === 0) {
          this.#ask();
        } else {
          this.#say();
        }
      }
    }, BEAT);
  }

  stop() {
    clearInterval(this.#beat);
  }

  get done() {
    return this.side.outcomes.length >= this.side.calls.length;
  }

  close() {
    return this.#client.close();
  }

  #say() {
    const number = ++this.#number;
    try {
      this.#namespace.emit(EVENT, number, padding());
      this.side.sent.push(number);
    } catch (error) {
      // What does not fit into the outbox is not sent.
      if (!(error instanceof OutboxFull)) throw error;
    }
  }

  #ask() {
    const number = ++this.#number;
    const { sent, calls, outcomes } = this.side;
    const answered = this.#namespace.with({ timeout: CALL_TIMEOUT }).call(QUESTION, number, padding());
    sent.push(number);
    calls.push(number);
    answered.then(
      (value) => outcomes.push([number, value === answer(number) ? "value" : `another value: ${value}`]),
      (error) => {
        if (error instanceof OutboxFull) {
          sent.splice(sent.indexOf(number), 1);
          calls.splice(calls.indexOf(number), 1);
        } else if (error instanceof CallError) {
          outcomes.push([number, error.constructor.name]);
        } else {
          throw error;
        }
      },
    );
  }

  #deliver(number) {
    const { delivered, transports } = this.side;
    delivered.push(number);
    const carrier = this.#client.transport ?? "none";
    transports[carrier] = (transports[carrier] ?? 0) + 1;
  }
}

const all = Object.entries(clients).map(([name, transports]) => [name, new ChaosClient(name, transports)]);
const each = all.map(([, client]) => client);

async function obey(command) {
  switch (command) {
    case "connect":
      await Promise.all(each.map((client) => client.connected));
      return {};
    case "begin":
      for (const client of each) client.begin();
      return {};
    case "stop":
      for (const client of each) client.stop();
      return {};
    case "record":
      return {
        sides: Object.fromEntries(all.map(([name, client]) => [name, client.side])),
        done: each.every((client) => client.done),
        complaints,
        attaches: each.reduce((sum, client) => sum + client.attaches, 0),
      };
    default:
      throw new Error(`${command} is no command; connect, begin, stop and record are`);
  }
}

for await (const command of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await obey(command))}\n`);
}
await Promise.all(each.map((client) => client.close()));
// A last push may still be on its way; but idle connections of fetch would keep the process for seconds.
setTimeout(() => process.exit(), 300);
