/**
 * The browser client under chaos: the very file that pages load, several clients in one Node process.
 *
 * A command is a line on standard input (connect, begin, stop, record), its answer a line of JSON. The end of the input
 * is the goodbye. What is recorded has the shape of history.py, and what is done follows traffic.py, streams.py and
 * python_client.py.
 */
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { runInThisContext } from "node:vm";

const { url, rate, clients } = JSON.parse(process.argv[2]);
const script = new URL("../../framework/antiphon/browser/antiphon.js", import.meta.url);
runInThisContext(await readFile(script, "utf8"), { filename: script.pathname });
const { Client, CallError, OutboxFull } = globalThis.antiphon;

const MAIN = "/main";
const SIDE = "/side";
const VALUE = "value";
const ROOMS = ["red", "green", "blue", "gold"];
const BEAT = 25;
const CALLS = 10;
const LARGE = 25;
const UNANSWERED = 20;
const OPEN = 8;
const CALL_TIMEOUT = 900;
const STAY = 3000;
const AWAY = 1000;
const AFTERMATH = 50;
const STREAM_PAUSE = 2000;
const LONGEST = 80;
const SLOW = 0.01;
const BACKOFF = { first: 0.05, base: 0.05, ceiling: 0.3, stable: 5 };

const complaints = [];
const answer = (number) => 3 * number + 1;
const range = (low, high) => low + Math.floor(Math.random() * (high - low + 1));
const choice = (several) => several[range(0, several.length - 1)];
const padding = () => new Uint8Array(range(1, LARGE) === 1 ? range(2000, 6000) : range(0, 200));
const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What one end of a session did and was told. */
class Side {
  sent = {};
  delivered = {};
  left = [];
  calls = [];
  outcomes = [];
  losses = [];
  resumed = 0;
  outage = 0;
  refused = 0;
  late = 0;
  transports = {};
  #since = null;
  #sent = 0;
  #count = 0;

  say(channel, number) {
    this.sent[channel] ??= [];
    this.sent[channel].push(number);
    this.#count++;
  }

  /** It was not sent after all, since the outbox was full. */
  refuse(channel, number) {
    this.refused++;
    if (number) this.sent[channel].splice(this.sent[channel].indexOf(number), 1);
    this.calls = this.calls.filter((call) => call[0] !== channel || call[1] !== number);
  }

  /** A handler ran; the channel is null where we have left. */
  hear(channel, number, transport) {
    if (channel === null) {
      this.late++;
      return;
    }
    this.delivered[channel] ??= [];
    this.delivered[channel].push(number);
    const carrier = transport ?? "none";
    this.transports[carrier] = (this.transports[carrier] ?? 0) + 1;
  }

  /** Await the answer of a call that is in `calls`, and write down how it ended. */
  async end(channel, number, answered, expected) {
    try {
      const value = await answered;
      this.outcomes.push([channel, number, value === expected ? VALUE : `another value: ${value}`]);
    } catch (error) {
      if (error instanceof OutboxFull) {
        this.refuse(channel, number);
      } else if (error instanceof CallError) {
        this.outcomes.push([channel, number, error.constructor.name]);
      } else {
        throw error;
      }
    }
  }

  detached() {
    if (this.#since === null) {
      this.#since = performance.now();
      this.#sent = this.#count;
    }
  }

  attached() {
    if (this.#since !== null) {
      this.resumed++;
      this.outage = Math.max(this.outage, (performance.now() - this.#since) / 1000);
    }
    this.#since = null;
  }

  lose(reason, reported) {
    const seconds = this.#since === null ? 0 : (performance.now() - this.#since) / 1000;
    this.losses.push({ reason, reported, seconds, sent: this.#since === null ? 0 : this.#count - this.#sent });
    this.#since = null;
  }
}

/** Events and calls to a namespace, `each` so many a second, until `stop`. */
class Traffic {
  #side;
  #channel;
  #namespace;
  #number = 0;
  #sent = 0;
  #beat;
  #asked = [];
  #unanswered = 0;

  constructor(side, channel, namespace, each) {
    this.#side = side;
    this.#channel = channel;
    this.#namespace = namespace;
    const began = performance.now();
    this.#beat = setInterval(() => {
      while (this.#sent < ((performance.now() - began) / 1000) * each) {
        this.#sent++;
        if (this.#unanswered >= UNANSWERED) continue;
        if (this.#sent % CALLS === 0) this.#asked.push(this.#ask());
        else this.#say();
      }
    }, BEAT);
  }

  /** Send no more; resolves when every call has its outcome. */
  stop() {
    clearInterval(this.#beat);
    return Promise.all(this.#asked);
  }

  #say() {
    const number = ++this.#number;
    this.#side.say(this.#channel, number);
    try {
      this.#namespace.emit("number", number, padding());
    } catch (error) {
      // What does not fit into the outbox is not sent.
      if (!(error instanceof OutboxFull)) throw error;
      this.#side.refuse(this.#channel, number);
    }
  }

  #ask() {
    const number = ++this.#number;
    this.#side.say(this.#channel, number);
    this.#side.calls.push([this.#channel, number]);
    this.#unanswered++;
    const answered = this.#namespace.with({ timeout: CALL_TIMEOUT }).call("question", number, padding());
    return this.#side.end(this.#channel, number, answered, answer(number)).finally(() => this.#unanswered--);
  }
}

/** One client of this name that may use these transports. */
class ChaosClient {
  side = new Side();
  attaches = 0;
  done = false;
  #name;
  #client;
  #main;
  #channel = null;
  #heardInSide = false;
  #moves = 0;
  #streams = 0;
  #running = true;
  #stop;
  #stopped = new Promise((resolve) => {
    this.#stop = resolve;
  });

  constructor(name, transports) {
    const { side } = this;
    this.#name = name;
    this.#client = new Client({ url, transports, backoff: BACKOFF });
    this.#client.onLoss(({ reason, unconfirmed, unsent }) => side.lose(reason, this.#reported(unconfirmed, unsent)));
    this.#client.onError((error) => complaints.push(`${name}: ${error?.stack ?? error}`));
    this.#client.onState(({ state, previous }) => {
      if (state === "connected") {
        this.attaches += previous !== "connected";
        side.attached();
      } else {
        side.detached();
      }
    });
    this.#main = this.#client.namespace(MAIN, { auth: { name, channel: "main" } });
    this.#listen(this.#main, () => "main");
    this.#main.on("items", (channel, size, pause) => this.#items(channel, size, pause));
    this.#main.on("gather", (channel, numbers, most) => this.#gather(channel, numbers, most));
    this.connected = new Promise((resolve) => this.#main.onConnect(resolve));
  }

  begin() {
    const traffic = new Traffic(this.side, "main", this.#main, 0.7 * rate);
    const work = [this.#stopped.then(() => traffic.stop())];
    // Whose session is lost on purpose does nothing else: what may be missing of it is told by numbers.
    if (!this.#name.includes("-doomed")) work.push(this.#comeAndGo(), this.#changeRooms(), this.#beginStreams());
    Promise.all(work).then(
      () => {
        this.done = true;
      },
      (error) => complaints.push(`${this.#name}: ${error?.stack ?? error}`),
    );
  }

  stop() {
    this.#running = false;
    this.#stop();
  }

  close() {
    return this.#client.close();
  }

  #listen(namespace, channel) {
    const hear = (number) => this.side.hear(channel(), number, this.#client.transport);
    namespace.on("number", hear);
    namespace.on("question", (number) => {
      hear(number);
      return answer(number);
    });
  }

  #pause(longest) {
    return Promise.race([this.#stopped, sleep(Math.random() * longest)]);
  }

  async #comeAndGo() {
    for (let number = 1; ; number++) {
      const channel = `side ${number}`;
      const namespace = this.#client.namespace(SIDE, { auth: { name: this.#name, channel } });
      if (!this.#heardInSide) this.#listen(namespace, () => this.#channel);
      this.#heardInSide = true;
      this.#channel = channel;
      const traffic = new Traffic(this.side, channel, namespace, 0.3 * rate);
      await this.#pause(STAY);
      // The last stay is not given up: all of it has to arrive.
      if (!this.#running) return traffic.stop();
      // What waits for the namespace to be joined is dropped by who leaves it; and once the move is answered little is
      // unacked, so that nothing is held back which a Leave may overtake.
      while (!namespace.connected) await sleep(BEAT);
      await this.#move("exit", choice(ROOMS));
      this.side.left.push(channel);
      namespace.leave();
      this.#channel = null;
      await traffic.stop();
      // Once this is answered the server knows that we left, and nothing of the old stay comes any more.
      await this.#move("enter", choice(ROOMS));
      await sleep(AFTERMATH);
      await this.#pause(AWAY);
    }
  }

  async #changeRooms() {
    while (this.#running) {
      await this.#pause(1000);
      await this.#move(choice(["enter", "exit"]), choice(ROOMS));
    }
  }

  #move(event, room) {
    const number = ++this.#moves;
    this.side.say("moves", number);
    this.side.calls.push(["moves", number]);
    const answered = this.#main.with({ timeout: CALL_TIMEOUT }).call(event, number, room);
    return this.side.end("moves", number, answered, answer(number));
  }

  async #beginStreams() {
    const open = new Set();
    for (;;) {
      await this.#pause(STREAM_PAUSE);
      if (!this.#running) return Promise.all(open);
      if (open.size < OPEN) {
        const stream = this.#stream().finally(() => open.delete(stream));
        open.add(stream);
      }
    }
  }

  #stream() {
    const channel = `stream c${++this.#streams}`;
    const size = range(1, LONGEST);
    const pause = choice([0, 0, SLOW]);
    const most = range(1, 5) === 1 ? range(1, size) : size + 1;
    const main = this.#main.with({ timeout: CALL_TIMEOUT });
    this.side.calls.push([channel, 0]);
    const read = async () => this.#gather(channel, main.stream("items", channel, size, pause), most);
    const give = () => main.call("gather", channel, this.#items(channel, size, pause), most);
    return this.side.end(channel, 0, choice([read, give])(), Math.min(size, most));
  }

  async *#items(channel, size, pause) {
    this.side.sent[channel] ??= [];
    for (let number = 1; number <= size; number++) {
      this.side.say(channel, number);
      yield number;
      if (pause) await sleep(1000 * pause);
    }
  }

  async #gather(channel, numbers, most) {
    const read = [];
    this.side.delivered[channel] = read;
    for await (const number of numbers) {
      read.push(number);
      if (read.length === most) {
        this.side.left.push(channel);
        break;
      }
    }
    return read.length;
  }

  #reported(unconfirmed, unsent) {
    const moves = ["enter", "exit"];
    return [...unconfirmed, ...unsent]
      .filter(({ args }) => typeof args[0] === "number")
      .map(({ namespace, name, args }) => [
        moves.includes(name) ? "moves" : namespace === MAIN ? "main" : this.#channel,
        args[0],
      ]);
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
    case "record": {
      const { user, system } = process.cpuUsage();
      return {
        sides: Object.fromEntries(all.map(([name, client]) => [name, client.side])),
        done: each.every((client) => client.done),
        complaints,
        attaches: each.reduce((sum, client) => sum + client.attaches, 0),
        cpu: (user + system) / 1e6,
      };
    }
    default:
      throw new Error(`${command} is no command; connect, begin, stop and record are`);
  }
}

for await (const command of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await obey(command))}\n`);
}
for (const client of each) client.stop();
await Promise.all(each.map((client) => client.close()));
// A last push may still be on its way; but idle connections of fetch would keep the process for seconds.
setTimeout(() => process.exit(), 300);
