// A page over TLS, behind the proxies of docs/deploy.md with the blocks that stand there.

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { countThrough, pause, setUp, startPython, transportIs, until } from "./harness.mjs";

for (const name of ["caddy", "nginx"]) {
  describe(`a page behind ${name}`, () => {
    let world;
    let front;
    before(async () => {
      world = await setUp();
      front = await startPython("tests.browser.front", name, new URL(world.url).host);
      const context = await world.page.context().browser().newContext({ ignoreHTTPSErrors: true });
      world.page = await context.newPage();
    });
    after(async () => {
      if (front?.process.exitCode === null) {
        front.process.kill("SIGTERM"); // not `stop`: the proxy is a child of it
        await once(front.process, "exit");
      }
      await world.tearDown();
    });

    test("opens a WebSocket, and 100 messages each way arrive once and in order through 3 cuts", async () => {
      await world.page.goto(front.url);
      await transportIs(world, "websocket");

      await countThrough(world, 100, 20, async () => {
        for (let cut = 0; cut < 3; cut++) {
          await pause(0.5);
          await world.fault("cut");
        }
      });

      assert.equal((await world.statistics()).made, 1);
    });

    test("reads an event stream as it comes", async () => {
      await world.page.evaluate(() => localStorage.clear());
      await world.fault("refuse-upgrades");
      await world.fault("cut");
      await world.page.reload();

      await transportIs(world, "sse");
      await until("the page says so", async () => (await world.page.textContent("#transport")) === "sse");
    });
  });
}
