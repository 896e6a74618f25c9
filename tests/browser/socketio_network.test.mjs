// Socket.IO's own client in a real Chromium, whose page is of another origin, or whose network or server goes away.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setUp, startPython, stop, upTo } from "./harness.mjs";
import { WAYS } from "./socketio_ways.mjs";

// What is called in the page is defined by socketio.html.

let world;
// Another server, which has listed the origin of our page, and which clients recover at.
let other;
let elsewhere;
before(async () => {
  world = await setUp({ module: "tests.browser.socketio_app" });
  other = await startPython("tests.browser.socketio_app", "--recovery", "--origin", new URL(world.url).origin);
  elsewhere = `http://127.0.0.1:${other.port}`;
});
after(async () => {
  await world.tearDown();
  await stop(other);
});

const statistics = async () => (await fetch(`http://127.0.0.1:${world.app.port}/statistics`)).json();
const count = (server, from, to) => fetch(`${server}/count?from=${from}&to=${to}`, { method: "POST" });

describe("a page of another origin", () => {
  before(() => world.page.goto(world.url));

  for (const [transport, message] of [
    ["polling", "xhr poll error"],
    ["websocket", "websocket error"],
  ]) {
    test(`is refused by ${transport}`, async () => {
      const { refused } = await statistics();

      const heard = await world.page.evaluate(
        async ([transport, stranger]) => {
          const socket = enter({ transports: [transport], reconnection: false }, stranger);
          await until(() => socket.heard.length);
          return socket.heard;
        },
        [transport, `http://127.0.0.1:${world.app.port}`],
      );

      assert.deepEqual(heard, [["connect_error", message, null]]);
      assert.deepEqual(await statistics(), { made: 0, refused: refused + 1 });
    });
  }

  for (const [name, way] of Object.entries(WAYS)) {
    test(`is let in by ${name} where its origin is listed`, async () => {
      const answer = await world.page.evaluate(
        async ([way, elsewhere]) => {
          const socket = await entered(way, elsewhere);
          await until(() => socket.io.engine.transport.name === way.transports.at(-1));
          const [text, bytes] = await new Promise((resolve) =>
            socket.emit("echo", "text", new Uint8Array([1, 255]), (...all) => resolve(all)),
          );
          socket.close();
          return [text, ...new Uint8Array(bytes)];
        },
        [way, elsewhere],
      );

      assert.deepEqual(answer, ["text", 1, 255]);
    });
  }

  test("sends its cookies along withCredentials, and not without", async () => {
    await world.context.addCookies([{ name: "visitor", value: "ann", url: elsewhere }]);

    const cookies = await world.page.evaluate(async (elsewhere) => {
      const cookies = [];
      for (const withCredentials of [true, false]) {
        const socket = await entered({ transports: ["polling"], withCredentials }, elsewhere);
        cookies.push((await socket.emitWithAck("cookie")) ?? null);
        socket.close();
      }
      return cookies;
    }, elsewhere);

    assert.deepEqual(cookies, ["visitor=ann", null]);
  });
});

for (const [name, way] of Object.entries(WAYS)) {
  describe(`a page that came by ${name}`, () => {
    before(() => world.page.goto(world.url));

    /** Open window.socket at `server`, and have seen its transport. */
    const open = (server) =>
      world.page.evaluate(
        async ([way, server]) => {
          const socket = (window.socket = await entered(way, server));
          await until(() => socket.io.engine.transport.name === way.transports.at(-1));
        },
        [way, server],
      );
    const offline = async (during) => {
      await world.context.setOffline(true);
      await world.page.evaluate(() => until(() => !window.socket.connected));
      await during();
      await world.context.setOffline(false);
      await world.page.evaluate(() => until(() => window.socket.connected));
    };

    test("comes back anew when its network is back, with what it said meanwhile", async () => {
      await open();

      await offline(() => world.page.evaluate(() => void window.socket.emit("note", 7)));
      const seen = await world.page.evaluate(async () => {
        const { socket } = window;
        const noted = await socket.emitWithAck("noted");
        socket.close();
        return { noted, words: socket.heard.filter(([word]) => word !== "connect_error"), again: !socket.recovered };
      });

      const words = [["connect"], ["disconnect", "transport close"], ["connect"], ["disconnect", "io client disconnect"]];
      assert.deepEqual(seen, { noted: [7], words, again: true });
    });

    test("goes on where it was, with what was said meanwhile, where the server has recovery", async () => {
      await open(elsewhere);
      const id = await world.page.evaluate(() => window.socket.id);

      await count(elsewhere, 1, 20);
      await offline(() => count(elsewhere, 21, 60));
      await count(elsewhere, 61, 80);
      const seen = await world.page.evaluate(async () => {
        const { socket } = window;
        await until(() => of(socket, "number").includes(80));
        const answer = await socket.emitWithAck("echo", "well");
        const { id, recovered } = socket;
        const numbers = of(socket, "number");
        socket.close();
        return { id, recovered, numbers, answer };
      });

      assert.deepEqual(seen, { id, recovered: true, numbers: upTo(80), answer: "well" });
    });

    test("goes on where it was although it had heard nothing yet", async () => {
      await open(elsewhere);

      await offline(() => count(elsewhere, 1, 5));
      const seen = await world.page.evaluate(async () => {
        const { socket } = window;
        await until(() => of(socket, "number").includes(5));
        socket.close();
        return [socket.recovered, of(socket, "number")];
      });

      assert.deepEqual(seen, [true, upTo(5)]);
    });

    test("comes back when the server was restarted", async () => {
      await open();
      const id = await world.page.evaluate(() => window.socket.id);

      await world.restart();
      const seen = await world.page.evaluate(async () => {
        const { socket } = window;
        await until(() => socket.heard.length > 1 && socket.connected);
        const answer = await socket.emitWithAck("echo", "again");
        const seen = [answer, socket.id, Boolean(socket.recovered)];
        socket.close();
        return seen;
      });

      assert.equal(seen[0], "again");
      assert.notEqual(seen[1], id);
      assert.equal(seen[2], false);
    });
  });
}

describe("a page whose network lets no WebSocket through", () => {
  test("stays on polling, also behind a cut", async () => {
    await world.fault("refuse-upgrades");
    await world.page.goto(world.url);

    await world.page.evaluate(async (way) => {
      const socket = (window.socket = enter(way));
      const failed = new Promise((resolve) =>
        socket.io.on("open", () => socket.io.engine.on("upgradeError", resolve)),
      );
      await failed;
      await until(() => socket.connected);
    }, WAYS["polling with an upgrade"]);
    await world.fault("cut");
    const seen = await world.page.evaluate(async () => {
      const { socket } = window;
      await until(() => socket.heard.length > 1 && socket.connected);
      return [await socket.emitWithAck("echo", "still here"), socket.io.engine.transport.name];
    });

    assert.deepEqual(seen, ["still here", "polling"]);
  });
});
