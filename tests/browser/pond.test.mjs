// The pond example in a real Chromium: two pages, each with a fish, judged from what they show.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { createInterface } from "node:readline";
import { launch, python, root, stop, until } from "./harness.mjs";

describe("the pond example", () => {
  let browser;
  let pond;
  let ann;
  let ben;
  const mistakes = [];
  before(async () => {
    pond = await serve(0);
    browser = await launch();
    ann = await visit("Ann", "coral");
    ben = await visit("Ben", "sky");
  });
  after(async () => {
    await browser.close();
    await stop(pond);
    assert.deepEqual(mistakes, []);
  });

  async function serve(port) {
    const child = spawn(python, ["-m", "examples.pond", "--port", String(port)], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    return { process: child, url: new URL(/http:\S+/.exec(line)[0]) };
  }

  async function visit(name, colour) {
    const page = await (await browser.newContext()).newPage();
    page.on("pageerror", (error) => mistakes.push(`${name}: ${error.stack}`));
    await page.goto(pond.url.href);
    await page.fill("#name", name);
    await page.click(`#colours [data-colour=${colour}]`);
    await page.click("#login button");
    await shows(page, "body[data-state=connected][data-pond=lily]");
    return page;
  }

  const shows = (page, what) => until(`${what} is shown`, async () => (await page.$(what)) !== null);

  /** Where a page draws the fish of this name; null when it draws none. */
  const placeOf = (page, name) =>
    page.evaluate((wanted) => {
      const shown = document.querySelector(`#fish [data-name="${wanted}"]`);
      return shown && { x: Number(shown.dataset.x), y: Number(shown.dataset.y) };
    }, name);

  const far = (one, other) => Math.hypot(one.x - other.x, one.y - other.y);

  /** Both pages draw Ann where she is, and she is far from where she was. */
  const annIsSeenAwayFrom = (start) =>
    until("Ben's page draws Ann where hers does", async () => {
      const [own, seen] = [await placeOf(ann, "Ann"), await placeOf(ben, "Ann")];
      return seen && far(own, seen) < 3 && far(own, start) > 100;
    });

  /** Have Ann's pointer where she is not. */
  const lure = async (x, y) => {
    const box = await ann.locator("#water").boundingBox();
    await ann.mouse.move(box.x + box.width * x, box.y + box.height * y);
  };

  test("a fish follows its pointer, and the other page sees it swim", async () => {
    const start = await placeOf(ann, "Ann");

    await lure(start.x < 600 ? 0.9 : 0.1, 0.6);

    await annIsSeenAwayFrom(start);
  });

  test("a fish swims by the arrow keys", async () => {
    const start = await placeOf(ben, "Ben");
    await ben.focus("#water");

    await ben.keyboard.down("ArrowLeft");
    await until("Ben swam to the left", async () => (await placeOf(ben, "Ben")).x < start.x - 60);
    await ben.keyboard.up("ArrowLeft");

    await until("Ann's page sees it", async () => (await placeOf(ann, "Ben")).x < start.x - 60);
  });

  test("flakes fall, are eaten, and both pages count them", async () => {
    await until("Ann ate a flake", async () => {
      const flake = await ann.getAttribute("#water", "data-flake");
      if (flake) await ann.mouse.move(...flake.split(" ").map(Number));
      return ann.$("body:not([data-score='0'])");
    });

    const score = await ann.getAttribute("body", "data-score");
    await until("Ben's page counts it", async () => {
      const counted = await ben.getAttribute('#fish [data-name="Ann"]', "data-score");
      return Number(counted) >= Number(score);
    });
  });

  test("the pulse is a stream that a page can stop, and start again", async () => {
    const beats = async (page) => Number(await page.getAttribute("#pulse", "data-count"));
    await until("the pulse beats", async () => (await beats(ann)) >= 2);

    await ann.click("#pulse-toggle");
    await shows(ann, "#pulse[data-running=no]");
    const stopped = await beats(ann);
    const [there] = [await beats(ben)];
    await until("Ben's pulse goes on", async () => (await beats(ben)) >= there + 3);
    assert.equal(await beats(ann), stopped);

    await ann.click("#pulse-toggle");
    await shows(ann, "#pulse[data-running=yes]");
    await until("it beats again", async () => (await beats(ann)) > stopped);
  });

  test("a fish that is cut off dozes, swims on, and is where it swam to when it is back", async () => {
    const start = await placeOf(ann, "Ann");

    await ann.click("#cut");
    await shows(ben, '#fish [data-name="Ann"][data-away=yes]');
    await lure(start.x < 600 ? 0.9 : 0.1, 0.4);
    await shows(ann, "body[data-state=connected]");

    await shows(ben, '#fish [data-name="Ann"][data-away=no]');
    await annIsSeenAwayFrom(start);
    assert.equal(await ann.getAttribute("body", "data-losses"), "0");
  });

  test("a fish that moves to the other pond is not seen in the first one any more", async () => {
    await ann.click("#ponds label:has([value=stone])");
    await shows(ann, "body[data-pond=stone]");

    await until("Ben is alone", async () => (await placeOf(ben, "Ann")) === null);
    await until("both are counted", async () => (await ben.textContent("#count-stone")) === "1");
    await until("Ann sees him no more", async () => (await placeOf(ann, "Ben")) === null);

    await ann.click("#ponds label:has([value=lily])");
    await until("they see each other again", async () => (await placeOf(ben, "Ann")) && (await placeOf(ann, "Ben")));
  });

  test("Ctrl-C tells everybody to come back, and they swim on in the next process, in the pond where they were", async () => {
    await ann.click("#ponds label:has([value=stone])");
    await shows(ann, "body[data-pond=stone]");

    pond.process.kill("SIGINT");
    const [code] = await once(pond.process, "exit");
    await shows(ann, "body[data-loss-reason=draining]:not([data-state=connected])");
    pond = await serve(pond.url.port);
    await shows(ann, "body[data-state=connected][data-pond=stone]");
    await until("Ben is back as well", async () => (await ann.textContent("#count-lily")) === "1");

    assert.equal(code, 0);
  });
});
