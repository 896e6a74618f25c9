/** What once went wrong, as the application sees it. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { Client } from "../src/client.js";
import { connect } from "../src/connect.js";
import { SystemClock } from "../src/platform/clock.js";
import type { Data } from "../src/protocol/codec.js";
import { HttpPort } from "../src/transports/http.js";
import type { ClientOptions, StateChange } from "../src/types.js";
import {
  codec,
  event,
  FakePage,
  FakeSocket,
  FixedRandom,
  joinedSession,
  KEY,
  ManualClock,
  message,
  packetsOf,
  settled,
  welcome,
} from "./peers.js";
import type { Recorded } from "./records.js";
import { read } from "./requests.js";

const URL_ = "http://here/antiphon";

beforeEach(() => {
  FakeSocket.all = [];
});

function build(options: ClientOptions = {}) {
  const clock = new ManualClock();
  const client = new Client(
    { url: URL_, WebSocket: FakeSocket, transports: ["websocket"], ...options },
    { clock, lifecycle: new FakePage(), random: new FixedRandom() },
  );
  const states: StateChange[] = [];
  const errors: unknown[] = [];
  client.onState((change) => states.push(change));
  client.onError((error) => errors.push(error));
  return { client, clock, states, errors };
}

function of(kind: Recorded["kind"], found: readonly Recorded[]): Recorded[] {
  return found.filter((packet) => packet.kind === kind);
}

describe("the clock", () => {
  test("does not run ahead when it is read often, though the wall clock counts whole milliseconds", () => {
    let time = 0;
    vi.spyOn(Date, "now").mockImplementation(() => Math.floor(time));
    vi.spyOn(performance, "now").mockImplementation(() => time);
    const clock = new SystemClock();

    for (; time < 1000; time += 0.125) clock.now();

    expect(clock.now()).toBeCloseTo(1, 2);
    vi.restoreAllMocks();
  });
});

describe("moving over", () => {
  test("when the poll hears of it before Welcome comes, nobody is told that the session is new", async () => {
    const answers: ((response: Response) => void)[] = [];
    const fetch = () => new Promise<Response>((answer) => answers.push(answer));
    const reply = async (body: Uint8Array<ArrayBuffer> | string, status = 200) => {
      answers.shift()?.(new Response(body, { status }));
      await new Promise((resolve) => setTimeout(resolve, 5));
    };
    const { client, clock, states } = build({ transports: ["websocket", "longpoll"], fetch });
    await FakeSocket.last.cut();
    await clock.advance(0.1);
    await reply(message(0, welcome()) as Uint8Array<ArrayBuffer>);
    expect(client.transport).toBe("longpoll");
    await clock.advance(1);
    await FakeSocket.last.open();
    await FakeSocket.last.say(message(0, { kind: "pong", time: 0, now: 0 }));

    await reply("fenced:2", 409);
    await FakeSocket.last.say(message(0, welcome({ resumed: true })));

    expect(client.transport).toBe("websocket");
    expect(states.filter(({ state, resumed }) => state === "connected" && resumed === false)).toEqual([]);
    expect(states.at(-1)).toMatchObject({ transport: "websocket", resumed: true });
  });
});

describe("a client that says goodbye", () => {
  test("is not the one that connect gives to the next who asks", async () => {
    const options = { url: "http://goodbye/antiphon", WebSocket: FakeSocket, transports: ["websocket"] as const };
    const first = connect("/", options);
    await FakeSocket.last.open();
    await FakeSocket.last.say(message(0, welcome()));
    await FakeSocket.last.say(message(1, { kind: "joined", namespace: "/", socket: "x" }));
    first.emit("last words");
    first.client.close();

    const second = connect("/", options);

    expect(second.client).not.toBe(first.client);
  });
});

describe("credentials that take a while", () => {
  test("are waited for by a namespace that is asked for while Hello waits for those of another", async () => {
    const { client } = build();
    let first: (token: string) => void = () => {};
    let second: (token: string) => void = () => {};
    client.namespace("/a", { auth: () => new Promise((resolve) => (first = resolve)) });
    const opened = FakeSocket.last.open();
    client.namespace("/b", { auth: () => new Promise((resolve) => (second = resolve)) });
    first("A");
    await opened;
    await FakeSocket.last.say(message(0, welcome()));

    second("B");
    await settled();

    expect(of("hello", FakeSocket.last.packets)).toMatchObject([{ joins: [["/a", "A"]] }]);
    expect(of("join", FakeSocket.last.packets)).toMatchObject([{ namespace: "/b", auth: "B" }]);
  });

  test("are waited for though Welcome comes first", async () => {
    const { client } = build();
    let answer: (token: string) => void = () => {};
    await FakeSocket.last.open();
    client.namespace("/a", { auth: () => new Promise((resolve) => (answer = resolve)) });
    await FakeSocket.last.say(message(0, welcome()));

    answer("A");
    await settled();

    expect(of("join", FakeSocket.last.packets)).toMatchObject([{ namespace: "/a", auth: "A" }]);
  });

  test("that cannot travel are reported, and the namespace is given up", async () => {
    const { client, errors } = build();
    await FakeSocket.last.open();
    await FakeSocket.last.say(message(0, welcome()));

    const chat = client.namespace("/", { auth: new Date(0) });
    await settled();

    expect(errors).toMatchObject([{ name: "PayloadError" }]);
    expect(() => chat.emit("x")).toThrow("first");
  });
});

describe("polling", () => {
  test("acks by the next poll what came with the last, without a push", async () => {
    const { session } = joinedSession();
    const bodies: Data[] = [];
    const answers: ((answer: Response) => void)[] = [];
    const answer = async (response: Response) => {
      answers.shift()?.(response);
      await read();
    };
    let drained = 0;
    const ear = {
      opened: () => {},
      received: (data: Data) => {
        port.welcomed("s1");
        session.receive(data, 1);
      },
      drained: () => drained++,
      lost: () => {},
    };
    const owner = { codec, attempt: 1, key: () => KEY, progress: () => session.progress() };
    const fetch = (_url: string, { body }: RequestInit) => {
      bodies.push(body as Data);
      return new Promise<Response>((resolve) => answers.push(resolve));
    };
    const port: HttpPort = new HttpPort(fetch, URL_, new ManualClock(), owner, ear);
    port.write(message(0));
    await answer(new Response(message(0) as Uint8Array<ArrayBuffer>));
    session.take(1, true);

    await answer(new Response(message(2, event(1)) as Uint8Array<ArrayBuffer>));

    expect(packetsOf(bodies.slice(-1))).toMatchObject([{ kind: "ack", handed: 2 }]);
    expect(session.take(1, true)).toEqual([]);
  });
});
