// Socket.IO's own client in a real Chromium, on each transport, beside our own client.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setUp, until, upTo } from "./harness.mjs";
import { WAYS } from "./socketio_ways.mjs";

// What is called in the page is defined by socketio.html.

let world;
before(async () => {
  world = await setUp({ module: "tests.browser.socketio_app" });
});
after(() => world.tearDown());

const gone = async () => (await fetch(`http://127.0.0.1:${world.app.port}/gone`)).json();

for (const [name, way] of Object.entries(WAYS)) {
  describe(`a page of Socket.IO that comes by ${name}`, () => {
    before(() => world.page.goto(world.url));

    test("is carried by what it asked for", async () => {
      const carried = await world.page.evaluate(async (way) => {
        const socket = await entered(way);
        const { engine } = socket.io;
        await until(() => engine.transport.name === way.transports.at(-1));
        socket.close();
        return [socket.heard, typeof engine.id];
      }, way);

      assert.deepEqual(carried, [[["connect"], ["disconnect", "io client disconnect"]], "string"]);
    });

    test("sends and hears 100 events each, once and in order, from its first moment on", async () => {
      const [heard, noted] = await world.page.evaluate(async (way) => {
        const socket = enter(way);
        socket.emit("count", 100);
        for (let number = 1; number <= 100; number++) {
          socket.emit("note", number);
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        await until(() => of(socket, "number").length === 100);
        const noted = await socket.emitWithAck("noted");
        socket.close();
        return [of(socket, "number"), noted];
      }, way);

      assert.deepEqual(heard, upTo(100));
      assert.deepEqual(noted, upTo(100));
    });

    test("sends bytes of every kind, in any place, and gets them back as buffers", async () => {
      const [answers, kind] = await world.page.evaluate(async (way) => {
        const socket = await entered(way);
        const numbers = new Uint8Array([0, 1, 30, 127, 128, 255]);
        const answers = await new Promise((resolve) =>
          socket.emit(
            "echo",
            numbers,
            numbers.buffer,
            numbers.subarray(1, 3),
            { deep: [{ er: new Uint16Array([258]) }], text: "☃" },
            new Blob([numbers, "text"]),
            new Uint8Array(0),
            (...all) => resolve(all),
          ),
        );
        socket.close();
        return [plain(answers), answers[0].constructor.name];
      }, way);

      const numbers = { bytes: [0, 1, 30, 127, 128, 255] };
      assert.deepEqual(answers, [
        numbers,
        numbers,
        { bytes: [1, 30] },
        { deep: [{ er: { bytes: [2, 1] } }], text: "☃" },
        { bytes: [...numbers.bytes, ...Buffer.from("text")] },
        { bytes: [] },
      ]);
      assert.equal(kind, "ArrayBuffer");
    });

    test("sends 300,000 bytes and gets them back", async () => {
      const same = await world.page.evaluate(async (way) => {
        const socket = await entered(way);
        const large = new Uint8Array(300_000).map((_, index) => (index * 7) % 256);
        const back = new Uint8Array(await socket.emitWithAck("echo", large));
        socket.close();
        return back.length === large.length && back.every((byte, index) => byte === large[index]);
      }, way);

      assert.ok(same);
    });

    test("gets one value, several or none for an acknowledgement, and nothing from a handler that refuses", async () => {
      const answers = await world.page.evaluate(async (way) => {
        const socket = await entered(way);
        const ask = (...what) => new Promise((resolve) => socket.emit(...what, (...all) => resolve(all)));
        const withheld = socket.timeout(100).emitWithAck("mute");
        const answers = [await ask("echo", { one: null }), await ask("echo", 1, "two", [3.5]), await ask("note", 7)];
        const error = await withheld.catch((error) => error.message);
        socket.close();
        return [...answers, error];
      }, way);

      assert.deepEqual(answers, [[{ one: null }], [1, "two", [3.5]], [], "operation has timed out"]);
    });

    test("is asked, and acknowledges with values and bytes", async () => {
      const answers = await world.page.evaluate(async (way) => {
        const socket = await entered(way);
        const answers = [
          await socket.emitWithAck("ask me", { one: new Uint8Array([255]) }),
          await socket.emitWithAck("ask me", 1, "two"),
          await socket.emitWithAck("ask me"),
        ];
        socket.close();
        return plain(answers);
      }, way);

      assert.deepEqual(answers, [
        ["it said", { one: { bytes: [255] } }],
        ["it said", [1, "two"]],
        ["it said", null],
      ]);
    });

    test("is in several namespaces on one connection, and is told why one of them is closed to it", async () => {
      const [answers, refused, shared] = await world.page.evaluate(async (way) => {
        const socket = await entered(way);
        const guarded = listened(socket.io.socket("/guarded", { auth: (tell) => tell({ token: "open" }) }));
        const stranger = listened(io(`${location.origin}/guarded`, { ...way, forceNew: true, auth: { token: "?" } }));
        const lost = listened(io(`${location.origin}/nowhere`, { ...way, forceNew: true }));
        const answers = await Promise.all([guarded.emitWithAck("echo", 1), socket.emitWithAck("echo", 2)]);
        await until(() => stranger.heard.length && lost.heard.length);
        const shared = guarded.io.engine === socket.io.engine;
        guarded.disconnect();
        answers.push(await socket.emitWithAck("echo", 3));
        for (const each of [socket, stranger, lost]) each.close();
        return [answers, [...stranger.heard, ...lost.heard], shared];
      }, way);

      assert.deepEqual(answers, [["guarded", 1], 2, 3]);
      assert.deepEqual(refused, [
        ["connect_error", "who are you?", { wanted: ["token"] }],
        ["connect_error", "Invalid namespace", null],
      ]);
      assert.ok(shared);
    });

    test("is gone for the server when the page closes", async () => {
      const page = await world.context.newPage();
      await page.goto(world.url);
      const id = await page.evaluate(async (way) => {
        const socket = await entered(way);
        // Between two transports there is neither a poll nor a WebSocket that the server could miss at once.
        await until(() => socket.io.engine.transport.name === way.transports.at(-1));
        return socket.id;
      }, way);

      await page.close();

      await until("the server knows", async () => (await gone()).includes(id), 5);
    });

    test("speaks msgpack with the build that has it", async () => {
      const page = await world.context.newPage();
      await page.goto(world.url);
      await page.addScriptTag({ url: "/socket.io.msgpack.min.js" });
      const [answers, refused] = await page.evaluate(async (way) => {
        const socket = await entered(way);
        const bytes = new Uint8Array([0, 1, 255]).buffer; // in pages it takes other views for objects
        const answers = [
          await new Promise((resolve) => socket.emit("echo", 1, { deep: [bytes] }, bytes, (...all) => resolve(all))),
          await socket.emitWithAck("ask me", "two", bytes),
          await socket.emitWithAck("echo", new Date(1e12)),
        ];
        const guarded = listened(socket.io.socket("/guarded", { auth: { token: "?" } }));
        await until(() => guarded.heard.length);
        socket.close();
        return [plain(answers), guarded.heard];
      }, way);
      await page.close();

      const bytes = { bytes: [0, 1, 255] };
      assert.deepEqual(answers, [[1, { deep: [bytes] }, bytes], ["it said", ["two", bytes]], 1e12]);
      assert.deepEqual(refused, [["connect_error", "who are you?", { wanted: ["token"] }]]);
    });
  });
}

describe("a room", () => {
  test("is shared by native clients and those of every transport, in two pages", async () => {
    const pages = [world.page, await world.context.newPage()];
    for (const page of pages) {
      await page.goto(world.url);
      await page.evaluate(async (ways) => {
        const native = new antiphon.Client().namespace("/");
        const said = [];
        native.on("said", (what) => said.push(plain(what)));
        await native.call("echo");
        const sockets = await Promise.all(ways.map((way) => entered(way)));
        window.everybody = () => [said, ...sockets.map((socket) => of(socket, "said"))];
        window.says = [
          (what) => native.emit("say", what),
          (what) => native.call("say", what),
          ...sockets.flatMap((socket) => [
            (what) => void socket.emit("say", what),
            (what) => socket.emitWithAck("say", what),
          ]),
        ];
      }, Object.values(WAYS));
    }
    const said = [];

    for (const [number, page] of pages.entries()) {
      for (let who = 0; who < 8; who++) {
        said.push([number, { bytes: [who, 255] }]);
        await page.evaluate(
          async ([number, who]) => window.says[who]([number, new Uint8Array([who, 255])]),
          [number, who],
        );
        for (const each of pages) {
          await each.evaluate(
            (count) => until(() => window.everybody().every((heard) => heard.length === count)),
            said.length,
          );
        }
      }
    }

    for (const page of pages) {
      assert.deepEqual(await page.evaluate(() => window.everybody()), [said, said, said, said]);
    }
    await pages[1].close();
  });
});
