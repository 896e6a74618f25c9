/** A client whose clock, page and server are the test: what it told, step by step. */
import { Client } from "../src/client.js";
import type { Namespace } from "../src/namespace.js";
import type { WelcomeFields } from "../src/protocol/packets.js";
import type { ClientOptions, Loss, StateChange } from "../src/types.js";
import { FakePage, FakeSocket, FixedRandom, ManualClock, message, welcome } from "./peers.js";
import type { Recorded } from "./records.js";

export const URL_ = "http://here/antiphon";

export interface Built {
  readonly client: Client;
  readonly clock: ManualClock;
  readonly page: FakePage;
  readonly states: StateChange[];
  readonly losses: Loss[];
  readonly errors: unknown[];
}

export function build(options: ClientOptions = {}): Built {
  FakeSocket.all = [];
  const clock = new ManualClock();
  const page = new FakePage();
  const client = new Client(
    { url: URL_, WebSocket: FakeSocket, transports: ["websocket"], ...options },
    { clock, lifecycle: page, random: new FixedRandom() },
  );
  const built: Built = { client, clock, page, states: [], losses: [], errors: [] };
  client.onState((change) => built.states.push(change));
  client.onLoss((loss) => built.losses.push(loss));
  client.onError((error) => built.errors.push(error));
  return built;
}

/** The newest socket opens, and the server welcomes it. */
export async function attach(changes: Partial<WelcomeFields> = {}): Promise<FakeSocket> {
  const socket = FakeSocket.last;
  await socket.open();
  await socket.say(message(0, welcome(changes)));
  return socket;
}

/** Connected and let into "/"; the server's next number is 2. */
export async function joined(options: ClientOptions = {}): Promise<Built & { chat: Namespace; socket: FakeSocket }> {
  const built = build(options);
  const chat = built.client.namespace();
  const socket = await attach();
  await socket.say(message(1, { kind: "joined", namespace: "/", socket: "x1" }));
  socket.sent.length = 0;
  return { ...built, chat, socket };
}

export function packets(socket: FakeSocket, kind: Recorded["kind"]): Recorded[] {
  return socket.packets.filter((packet) => packet.kind === kind);
}
