/** What a client proves itself with, and what becomes of it when that is not enough. */
import { beforeEach, describe, expect, test } from "vitest";
import { Client } from "../src/client.js";
import { ConnectionClosed } from "../src/errors.js";
import { FakePage, FakeSocket, FixedRandom, ManualClock, message, settled, welcome } from "./peers.js";

beforeEach(() => {
  FakeSocket.all = [];
});

/** What the newest transport heard of who we are: in its Hello, and by Renew. */
function proofs(): unknown[] {
  return FakeSocket.last.packets.flatMap((packet) =>
    packet.kind === "hello" || packet.kind === "renew" ? [packet.auth] : [],
  );
}

function build(auth: unknown) {
  const clock = new ManualClock();
  const client = new Client(
    { url: "http://here/antiphon", WebSocket: FakeSocket, transports: ["websocket"], auth },
    { clock, lifecycle: new FakePage(), random: new FixedRandom() },
  );
  const errors: unknown[] = [];
  client.onError((error) => errors.push(error));
  return { client, clock, errors, chat: client.namespace() };
}

/** Connected and let into "/"; the server's next number is 2. */
async function connected(auth: unknown) {
  const built = build(auth);
  await settled();
  const socket = FakeSocket.last;
  await socket.open();
  await socket.say(message(0, welcome()));
  await socket.say(message(1, { kind: "joined", namespace: "/", socket: "x" }));
  return { ...built, socket };
}

describe("the credentials of a client", () => {
  test.each<[string, unknown]>([
    ["a value", { token: 7 }],
    ["a function", () => ({ token: 7 })],
    ["a promise", Promise.resolve({ token: 7 })],
    ["a function that takes a while", async () => ({ token: 7 })],
  ])("are said in Hello, and may be %s", async (_what, auth) => {
    await connected(auth);

    expect(proofs()).toEqual([{ token: 7 }]);
  });

  test("are asked for at every attach, before the transport is opened", async () => {
    let asked = 0;
    let give: (token: number) => void = () => {};
    const rig = await connected(() => (asked++ ? new Promise<number>((resolve) => (give = resolve)) : 0));
    await rig.socket.cut();
    await rig.clock.advance(0.5);
    await rig.clock.advance(10);
    const before = FakeSocket.all.length;

    give(2);
    await settled();
    await FakeSocket.last.open();

    expect([before, FakeSocket.all.length]).toEqual([1, 2]);
    expect(proofs()).toEqual([2]);
  });

  test("that cannot be had are told, and asked for again", async () => {
    let asked = 0;
    const rig = build(() => {
      if (!asked++) throw new Error("no token server");
      return "token";
    });
    await settled();
    const states = [rig.client.state];

    await rig.clock.advance(0.5);
    await FakeSocket.last.open();

    expect(states).toEqual(["waiting"]);
    expect(rig.errors).toEqual([new Error("no token server")]);
    expect(proofs()).toEqual(["token"]);
  });
});

describe("renewing", () => {
  test("happens when the server says that they expire, on the living transport", async () => {
    let asked = 0;
    const rig = await connected(() => ++asked);

    await rig.socket.say(message(2, { kind: "renew" }));

    expect(proofs()).toEqual([1, 2]);
    expect(FakeSocket.all).toHaveLength(1);
  });

  test("that fails when the server asked is told, and ends nothing", async () => {
    let asked = 0;
    const rig = await connected(() => (asked++ ? Promise.reject(new Error("down")) : 1));

    await rig.socket.say(message(2, { kind: "renew" }));

    expect(rig.errors).toEqual([new Error("down")]);
    expect(rig.client.state).toBe("connected");
  });

  test("with another value counts for what comes after, too", async () => {
    const rig = await connected("old");

    await rig.client.renew("new");
    await settled();
    const said = proofs();
    await rig.socket.cut();
    await rig.clock.advance(0.5);
    await FakeSocket.last.open();

    expect(said).toEqual(["old", "new"]);
    expect(proofs()).toEqual(["new"]);
  });

  test("without a transport says nothing, since the next attach will", async () => {
    const rig = await connected("old");
    await rig.socket.cut();

    await rig.client.renew("new");
    await rig.clock.advance(0.5);
    await FakeSocket.last.open();
    await FakeSocket.last.say(message(0, welcome({ resumed: true, next: 2 })));

    expect(proofs()).toEqual(["new"]);
  });

  test("rejects with what the function throws, and once all is over", async () => {
    const rig = await connected("token");

    await expect(rig.client.renew(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
    await Promise.all([rig.client.close(), rig.socket.cut()]);
    await expect(rig.client.renew("token")).rejects.toThrow(ConnectionClosed);
  });
});

describe("credentials that are not good enough", () => {
  test("expired, the transport is closed, and the next attach brings fresh ones", async () => {
    let asked = 0;
    const rig = await connected(() => ++asked);

    await rig.socket.cut(4008, "the credentials have expired");
    await rig.clock.advance(0.5);
    await FakeSocket.last.open();

    expect(proofs()).toEqual([2]);
    expect(FakeSocket.last.packets).toMatchObject([{ sid: "s1" }]);
  });

  test.each(["unauthorized", "principal_changed", "revoked"])(
    "%s, the client stops for good and reports what waited",
    async (code) => {
      const rig = await connected("token");
      const told: unknown[] = [];
      rig.client.onLoss(({ reason, detail, unsent }) => told.push([reason, detail, unsent.map(({ args }) => args)]));
      rig.client.onState(({ state, reason }) => state === "closed" && told.push([state, reason]));
      rig.chat.onDisconnect((disconnected) => told.push(disconnected));
      await rig.socket.cut();
      await rig.clock.advance(0.5);
      rig.chat.emit("say", "late");
      await FakeSocket.last.open();

      await FakeSocket.last.say(message(0, { kind: "refuse", code, reason: "go away" }));
      await rig.clock.advance(100);

      expect(told).toEqual([{ code, reason: "go away" }, [code, "go away", [["late"]]], ["closed", code]]);
      expect(FakeSocket.all).toHaveLength(2);
      expect(() => rig.chat.emit("say")).toThrow(expect.objectContaining({ code }));
    },
  );

  test("revoked on the living transport, too", async () => {
    const rig = await connected("token");
    const told: unknown[] = [];
    rig.chat.onDisconnect((disconnected) => told.push(disconnected));

    await rig.socket.say(message(0, { kind: "close", code: "revoked", reason: "spam" }));
    await rig.clock.advance(100);

    expect(told).toEqual([{ code: "revoked", reason: "spam" }]);
    expect(rig.client.state).toBe("closed");
    expect(FakeSocket.all).toHaveLength(1);
  });
});

test("they show nowhere but on the wire", async () => {
  const client = new Client({ url: "http://here/antiphon", WebSocket: FakeSocket, auth: "secret" });

  expect(JSON.stringify(client)).not.toContain("secret");
  expect(Object.values(client).join()).not.toContain("secret");
});
