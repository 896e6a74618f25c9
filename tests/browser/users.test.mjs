// Credentials in a real Chromium: they expire, are renewed, and are taken away.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { countThrough, pause, setUp, transportIs, until } from "./harness.mjs";

for (const transport of ["websocket", "sse", "longpoll"]) {
  describe(`a page that proves who it is, over ${transport}`, () => {
    let world;
    before(async () => {
      world = await setUp({ module: "tests.browser.users_app" });
    });
    after(() => world.tearDown());

    const asked = async () => Number(await (await fetch(`http://127.0.0.1:${world.app.port}/asked`)).json());
    const stateIs = (state) =>
      until(`the page is ${state}`, async () => (await world.page.textContent("#state")) === state);

    test("renews a token that expires on the living connection, and stops for good when it is revoked", async () => {
      const { page } = world;
      await page.goto(`${world.url}users.html?seconds=4#${transport}`);
      await transportIs(world, transport);

      // The server asks for a fresh one a second before the old one expires.
      await countThrough(world, 100, 50, () => until("it is renewed twice", async () => (await asked()) === 3));
      const states = await page.textContent("#states");
      await world.post("/revoke?reason=enough");
      await stateIs("closed");
      const after = await asked();
      await pause(2);

      assert.equal(states, "connected");
      assert.equal(await page.textContent("#states"), "connected, closed(revoked)");
      assert.equal(await page.textContent("#disconnects"), "revoked: enough");
      assert.equal(await page.textContent("#losses"), "revoked: enough, 0 unsent");
      assert.equal(await asked(), after);
      assert.equal((await world.statistics()).made, 1);
    });

    test("whose token is stale for ever is turned away when it expires", async () => {
      const { page } = world;
      await page.goto("about:blank");
      await page.goto(`${world.url}users.html?seconds=2#${transport}`);
      await stateIs("connected");

      await page.evaluate(() => {
        window.keep = true;
      });
      await stateIs("closed");

      assert.match(await page.textContent("#states"), /^connected, waiting\(.*expired.*\), connecting.*, closed\(unauthorized\)$/);
      assert.match(await page.textContent("#disconnects"), /^unauthorized: /);
    });
  });
}
