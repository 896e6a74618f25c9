// Streams, cancellation, and events that may be lost or replaced, in a real Chromium.

import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setUp, transportIs, until, upTo } from "./harness.mjs";

const sum = (numbers) => numbers.reduce((all, number) => all + number, 0);

describe("a page that streams", () => {
  let world;
  let page;
  const log = async () => JSON.parse(await world.post("/log"));
  const ask = async (what) => JSON.parse(await world.post(`/ask?what=${what}`));
  const logged = async (line) => {
    const seen = [];
    await until(`the server notes down "${line}"`, async () => {
      seen.push(...(await log()));
      return seen.includes(line);
    });
    return seen;
  };

  before(async () => {
    world = await setUp({ module: "tests.browser.streams_app" });
    page = world.page;
  });
  after(() => world.tearDown());

  beforeEach(async () => {
    await page.goto("about:blank");
    await world.fault("allow-upgrades");
    await page.goto(world.url);
    await transportIs(world, "websocket");
    await page.evaluate(() => {
      window.all = async (stream) => {
        const items = [];
        for await (const item of stream) items.push(item);
        return items;
      };
      window.upTo = async function* (count) {
        for (let number = 1; number <= count; number++) yield number;
      };
    });
    await log();
  });

  test("reads an answer in a loop, and through a callback", async () => {
    const [read, told] = await page.evaluate(async () => {
      const items = [];
      const read = await all(chat.stream("ticks", 100, 0));
      const over = await chat.with({ onItem: (item) => items.push(item) }).call("ticks", 100, 0);
      return [read, [over, items]];
    });

    assert.deepEqual(read, upTo(100));
    assert.deepEqual(told, [undefined, upTo(100)]);
  });

  test("large items neither stop nor flood", async () => {
    const sizes = await page.evaluate(async () => {
      const sizes = [];
      for await (const item of chat.stream("large", 50, 50_000)) sizes.push(item.length);
      return sizes;
    });

    assert.deepEqual(sizes, upTo(50).map(() => 50_000));
    assert.equal((await world.statistics()).made > 0, true);
    assert.equal(await page.textContent("#losses"), "");
  });

  test("uploads several arguments, large ones too, and both at once", async () => {
    const [totals, doubled, first] = await page.evaluate(async () => [
      await chat.call("total", upTo(200), upTo(3)),
      await all(chat.stream("double", upTo(200))),
      await chat.call("first", upTo(1e9)),
    ]);

    assert.deepEqual(totals, [sum(upTo(200)), 6]);
    assert.deepEqual(
      doubled,
      upTo(200).map((number) => 2 * number),
    );
    assert.equal(first, 1);
  });

  test("a ReadableStream is uploaded like any async iterable", async () => {
    const totals = await page.evaluate(() => {
      const rows = new ReadableStream({
        start(controller) {
          for (const row of [1, 2, 3]) controller.enqueue(row);
          controller.close();
        },
      });
      return chat.call("total", rows, upTo(0));
    });

    assert.deepEqual(totals, [6, 0]);
  });

  test("leaving the loop stops the generator of the server", async () => {
    const seen = await page.evaluate(async () => {
      for await (const tick of chat.stream("ticks", 1e9, 0)) if (tick === 3) return tick;
    });

    assert.equal(seen, 3);
    await logged("ticks stopped");
  });

  test("a signal cancels a call, and a stream", async () => {
    const reasons = await page.evaluate(async () => {
      const stop = new AbortController();
      const stopped = chat.with({ signal: stop.signal });
      const outcomes = Promise.all([
        all(stopped.stream("ticks", 1e9, 0.01)).catch((reason) => reason),
        stopped.call("think").catch((reason) => reason),
      ]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      stop.abort("bored");
      return outcomes;
    });

    assert.deepEqual(reasons, ["bored", "bored"]);
    const seen = await logged("thought enough");
    if (!seen.includes("ticks stopped")) await logged("ticks stopped");
  });

  test("is called by the server: streams back, reads, both, and is stopped", async () => {
    await page.evaluate(() => {
      window.stopped = [];
      chat.on("ticks", async function* (count) {
        try {
          yield* upTo(count);
        } finally {
          stopped.push("ticks");
        }
      });
      chat.on("total", async (rows) => (await all(rows)).reduce((a, b) => a + b));
      chat.on("double", async function* (rows) {
        for await (const row of rows) yield 2 * row;
      });
      chat.on("think", function () {
        return new Promise(() => this.signal.addEventListener("abort", () => stopped.push("think")));
      });
    });

    assert.deepEqual(await ask("ticks"), upTo(100));
    assert.deepEqual(await ask("total"), sum(upTo(100)));
    assert.deepEqual(
      await ask("double"),
      upTo(100).map((number) => 2 * number),
    );
    assert.equal(await ask("some"), 1);
    assert.equal(await ask("think"), "never mind");
    await until("both are stopped", async () => (await page.evaluate(() => stopped.join())) === "ticks,ticks,think");
  });

  test("streams both ways survive cuts in their middle, once and in order", async () => {
    const streaming = page.evaluate(() =>
      Promise.all([
        all(chat.stream("ticks", 300, 0.01)),
        all(
          chat.stream(
            "double",
            (async function* () {
              for (let number = 1; number <= 300; number++) {
                yield number;
                await new Promise((resolve) => setTimeout(resolve, 10));
              }
            })(),
          ),
        ),
      ]),
    );

    for (let cut = 0; cut < 4; cut++) {
      await new Promise((resolve) => setTimeout(resolve, 600));
      await world.fault("cut");
    }

    const [ticks, doubled] = await streaming;
    assert.deepEqual(ticks, upTo(300));
    assert.deepEqual(
      doubled,
      upTo(300).map((number) => 2 * number),
    );
    assert.equal(await page.textContent("#losses"), "");
  });

  test("what is volatile is lost without a network, of the latest values one arrives", async () => {
    await world.context.setOffline(true);
    await until("the page knows it", async () => (await page.textContent("#state")) !== "connected");

    await page.evaluate(() => {
      for (let number = 1; number <= 100; number++) {
        chat.with({ volatile: true }).emit("note", `volatile ${number}`);
        chat.with({ latest: number % 2 }).emit("note", `latest ${number}`);
      }
    });
    await world.context.setOffline(false);
    await transportIs(world, "websocket");
    await page.evaluate(() => {
      chat.with({ volatile: true }).emit("note", "volatile at last");
      chat.emit("note", "the end");
    });

    assert.deepEqual(await logged("the end"), ["latest 99", "latest 100", "volatile at last", "the end"]);
  });

  test("reads events in a loop, and listens to what it says", async () => {
    const reading = page.evaluate(async () => {
      const outgoing = [];
      chat.onAnyOutgoing((event) => outgoing.push(event));
      chat.emit("note", "listening");
      const numbers = [];
      for await (const [number] of chat.events("down")) if (numbers.push(number) === 50) break;
      return [numbers, outgoing];
    });
    await logged("listening");

    await world.countDown(60, 1);

    assert.deepEqual(await reading, [upTo(50), ["note"]]);
  });
});
