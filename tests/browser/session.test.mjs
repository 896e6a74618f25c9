// A session in a real Chromium, judged from what the page shows.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { countThrough, downs, outcomes, pause, setUp, transportIs, until, upTo } from "./harness.mjs";

for (const tls of [false, true]) {
  describe(`a page over ${tls ? "TLS" : "plain HTTP"}`, () => {
    let world;
    before(async () => {
      world = await setUp({ tls });
    });
    after(() => world.tearDown());

    test("300 numbered messages each way arrive once and in order through 5 cuts", async () => {
      await world.page.goto(world.url);
      await transportIs(world, "websocket");

      await countThrough(world, 300, 20, async () => {
        for (let cut = 0; cut < 5; cut++) {
          await pause(1);
          await world.fault("cut");
        }
      });

      assert.equal((await world.statistics()).made, 1);
    });
  });
}

describe("a page whose network changes under it", () => {
  let world;
  before(async () => {
    world = await setUp();
  });
  after(() => world.tearDown());

  test("a refused WebSocket falls back to an event stream, and moves over once it is allowed", async () => {
    await world.fault("refuse-upgrades");
    await world.page.goto(world.url);
    await transportIs(world, "sse");

    await countThrough(world, 200, 25, async () => {
      await pause(1);
      await world.fault("allow-upgrades");
      await transportIs(world, "websocket");
    });

    assert.equal(await world.page.textContent("#transport"), "websocket");
    assert.equal((await world.statistics()).made, 1);
  });
});

describe("a page that goes offline", () => {
  let world;
  before(async () => {
    world = await setUp();
  });
  after(() => world.tearDown());

  test("5 s offline lose nothing", async () => {
    await world.page.goto(world.url);
    await transportIs(world, "websocket");

    await countThrough(world, 200, 35, async () => {
      await pause(1);
      await world.context.setOffline(true);
      await until("the page knows it", async () => (await world.page.textContent("#state")) !== "connected");
      await pause(5);
      await world.context.setOffline(false);
    });

    assert.equal((await world.statistics()).made, 1);
  });
});

describe("a page whose server is restarted", () => {
  let world;
  before(async () => {
    world = await setUp();
  });
  after(() => world.tearDown());

  test("the reason is reported, every call has one outcome, and the page recovers", async () => {
    const { page } = world;
    await page.goto(world.url);
    await transportIs(world, "websocket");
    const counting = page.evaluate(() => window.countUp(200, 20));

    await pause(1);
    await world.restart();
    await counting;
    await until("every call has an outcome", async () => (await outcomes(page)).size === 200);

    assert.equal(await page.textContent("#losses"), "server_restart");
    assert.equal(await page.textContent("#connected"), "2");
    const seen = await outcomes(page);
    assert.ok([...seen.values()].every((what) => ["ok", "CallAbandoned"].includes(what)), [...seen].join(" "));
    const { heard } = await world.statistics();
    assert.deepEqual(heard, [...new Set(heard)].sort((a, b) => a - b), "the new server heard some number twice");
    assert.ok(heard.length > 0 && heard.every((number) => seen.get(number) === "ok"));
    await world.countDown(200, 5);
    await until("the last number is shown", async () => (await downs(page)).at(-1) === 200);
    assert.deepEqual(await downs(page), upTo(200));
  });
});
