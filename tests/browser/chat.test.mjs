// The chat example in a real Chromium: its own switch cuts the network, and its own verdict says what came of it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import { createInterface } from "node:readline";
import { launch, python, root, stop, until } from "./harness.mjs";

describe("the chat example", () => {
  let browser;
  let page;
  let chat;
  before(async () => {
    const child = spawn(python, ["-m", "examples.chat", "--port", "0"], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await once(createInterface({ input: child.stdout }), "line");
    chat = { process: child };
    browser = await launch();
    page = await (await browser.newContext()).newPage();
    await page.goto(/http:\S+/.exec(line)[0]);
  });
  after(async () => {
    await browser.close();
    await stop(chat);
  });

  const shows = (what) => until(what, () => page.$eval("body", (body, wanted) => body.matches(wanted), what));

  test("numbers that are said while the network is cut arrive after it, once and in order", async () => {
    await page.fill("#name", "Ada");
    await page.click("#login button");
    await shows("body[data-state=connected][data-room=lobby]");

    await page.click("#cut-briefly");
    await shows("body:not([data-state=connected])");
    await page.click("#count-aloud");
    await page.click("#send-numbers");
    await shows("body[data-state=connected]");
    await until("all 40 numbers are shown", async () => (await page.$$("li[data-number]:not([data-waiting])")).length === 40);

    const verdict = await page.$eval("#verdict", (line) => ({ ...line.dataset }));
    assert.equal(verdict.missing + verdict.twice + verdict.disordered, "000");
    assert.ok(Number(verdict.late) >= 20, JSON.stringify(verdict));
    assert.equal(await page.textContent("#count-losses"), "0");
    for (const author of ["Ada", "server"]) {
      const numbers = await page.$$eval(`li[data-number][data-author="${author}"]`, (lines) =>
        lines.map((line) => Number(line.dataset.number)),
      );
      assert.deepEqual(numbers, Array.from({ length: 20 }, (_, index) => index + 1));
    }
  });
});
