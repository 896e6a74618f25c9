// Event streams in a real Chromium: what is read by fetch, what comes after it, and what is better.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { countThrough, pause, setUp, startBufferingProxy, transportIs, until } from "./harness.mjs";

const remembered = (page) => page.evaluate(() => ({ ...localStorage }));

describe("a page whose network lets no WebSocket through", () => {
  let world;
  before(async () => {
    world = await setUp();
    await world.fault("refuse-upgrades");
  });
  after(() => world.tearDown());

  test("300 numbered messages each way arrive once and in order through 5 cuts", async () => {
    await world.page.goto(world.url);
    await transportIs(world, "sse");

    await countThrough(world, 300, 20, async () => {
      for (let cut = 0; cut < 5; cut++) {
        await pause(1);
        await world.fault("cut");
      }
    });

    assert.equal((await world.statistics()).made, 1);
    assert.equal(await world.page.textContent("#transport"), "sse");
  });

  test("the next visit begins with the event stream, and moves up once a WebSocket can be opened", async () => {
    const { page } = world;
    const opened = [];
    page.on("websocket", () => opened.push("websocket"));
    page.on("request", (request) => request.url().endsWith("/stream") && opened.push("sse"));

    await page.reload();
    await until("the page is connected", async () => (await page.textContent("#state")) === "connected");
    const first = opened[0];
    const before = await remembered(page);
    await world.fault("allow-upgrades");
    await transportIs(world, "websocket");

    assert.equal(first, "sse");
    assert.deepEqual(Object.entries(before), [[`antiphon ${world.url}antiphon`, "sse"]]);
    await until("it is remembered", async () => Object.values(await remembered(page)).includes("websocket"));
    assert.equal(Object.keys(await remembered(page)).length, 1);
  });
});

describe("a page behind a proxy that passes answers on when they are complete", () => {
  let world;
  let proxy;
  before(async () => {
    world = await setUp();
    proxy = await startBufferingProxy(world.app.port);
  });
  after(async () => {
    proxy.close();
    await world.tearDown();
  });

  test("polls, since a stream is never complete, and nothing is lost", async () => {
    await world.page.goto(`http://127.0.0.1:${proxy.port}/`);
    await transportIs(world, "longpoll");

    await countThrough(world, 100, 20, () => pause(3));

    assert.equal(await world.page.textContent("#transport"), "longpoll");
    assert.equal(await world.page.textContent("#connected"), "1");
  });
});
