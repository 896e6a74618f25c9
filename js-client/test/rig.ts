/** A client that is let into "/", and the server at the other end of it, for tests of what is said there. */
import { Client } from "../src/client.js";
import type { Namespace } from "../src/namespace.js";
import { isCounted, type Packet, type WelcomeFields } from "../src/protocol/packets.js";
import type { ClientOptions } from "../src/types.js";
import { FakePage, FakeSocket, FixedRandom, ManualClock, message, packetsOf, settled, welcome } from "./peers.js";
import { packet, type Recorded } from "./records.js";

/** The server as a test plays it: what it says is numbered by itself. */
export class Rig {
  readonly clock = new ManualClock();
  readonly errors: unknown[] = [];
  readonly client: Client;
  readonly chat: Namespace;
  socket: FakeSocket;
  #next = 1;

  constructor(options: ClientOptions = {}) {
    FakeSocket.all = [];
    this.client = new Client(
      { url: "http://here/antiphon", WebSocket: FakeSocket, transports: ["websocket"], ...options },
      { clock: this.clock, lifecycle: new FakePage(), random: new FixedRandom() },
    );
    this.client.onError((error) => this.errors.push(error));
    this.chat = this.client.namespace();
    this.socket = FakeSocket.last;
  }

  /** The newest transport opens, and the server welcomes it to a session, new unless it resumes the last one. */
  async attach(
    changes: Partial<WelcomeFields> = {},
    answer: Recorded = { kind: "joined", namespace: "/", socket: "x" },
  ): Promise<void> {
    this.socket = FakeSocket.last;
    if (!changes.resumed) this.#next = 1;
    await this.socket.open();
    this.socket.sent.length = 0;
    await this.socket.say(message(0, welcome({ next: this.#next, ...changes })));
    if (!changes.resumed) await this.say(answer);
  }

  async say(...said: (Packet | Recorded)[]): Promise<void> {
    const number = this.#next;
    const packets = said.map((each) => ("kind" in each ? packet(each) : each));
    this.#next += packets.filter(([type]) => isCounted(type)).length;
    await this.socket.say(message(number, ...packets));
  }

  /** The transport is lost, and the client tries again. */
  async cut(): Promise<void> {
    await this.socket.cut();
    await this.clock.advance(0.5);
  }

  /** What the client sent since the last look, without acks. */
  heard(): Recorded[] {
    return packetsOf(this.socket.sent.splice(0)).filter(({ kind }) => kind !== "ack");
  }
}

export async function joined(options?: ClientOptions): Promise<Rig> {
  const rig = new Rig(options);
  await rig.attach();
  return rig;
}

/** An async iterable of the test's: it gives what is put in, and knows whether it was closed. */
export class Source implements AsyncIterable<unknown> {
  closed = 0;
  pulled = 0;
  readonly #given: unknown[];

  constructor(given: Iterable<unknown> = []) {
    this.#given = [...given];
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown> {
    return {
      next: async () => {
        this.pulled++;
        return this.#given.length ? { value: this.#given.shift() } : { value: undefined, done: true };
      },
      return: async () => {
        this.closed++;
        return { value: undefined, done: true };
      },
    };
  }
}

export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

export { settled };
