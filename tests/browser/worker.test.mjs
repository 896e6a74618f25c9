// The client in workers of a real Chromium, which have no window, no document and no storage.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { countThrough, pause, setUp, transportIs, until } from "./harness.mjs";

for (const kind of ["dedicated", "shared"]) {
  describe(`a ${kind} worker`, () => {
    let world;
    before(async () => {
      world = await setUp();
    });
    after(() => world.tearDown());

    test("has a session like a page, through cuts and a change of the transport", async () => {
      const { page } = world;
      await world.fault("refuse-upgrades");
      await page.goto(`${world.url}worker.html${kind === "shared" ? "?shared" : ""}`);
      await transportIs(world, "sse");
      await until("the page is told", async () => (await page.textContent("#state")) === "connected");

      await countThrough(world, 200, 20, async () => {
        await pause(0.5);
        await world.fault("cut");
        await pause(1);
        await world.fault("allow-upgrades");
        await transportIs(world, "websocket");
        await world.fault("cut");
      });

      assert.equal((await world.statistics()).made, 1);
      await until("it is connected again", async () => (await page.textContent("#state")) === "connected");
    });
  });
}
