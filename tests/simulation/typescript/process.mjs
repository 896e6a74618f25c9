/**
 * The TypeScript client in the simulation: one process, any number of clients after one another, no real time.
 *
 * `node process.mjs DIRECTORY` takes the compiled client from there. A line on standard input says what happens to a
 * client and when; all that follows from it in that instant happens before the line of the answer is written.
 */
import { readSync, writeSync } from "node:fs";
import { Page } from "./page.mjs";

const NEWLINE = 10;
const input = Buffer.alloc(1 << 16);
// A client whose timers begin one another in one instant will never be done with it.
const MOST_TIMERS = 10_000;

let page = null;
let held = [];

/** The next line; null at the end. Nothing else is to happen meanwhile, so it blocks. */
function readLine() {
  for (;;) {
    const last = held.at(-1);
    const end = last ? last.indexOf(NEWLINE) : -1;
    if (end >= 0) {
      const line = Buffer.concat([...held.slice(0, -1), last.subarray(0, end)]).toString();
      held = end + 1 < last.length ? [last.subarray(end + 1)] : [];
      return line;
    }
    const size = readSync(0, input);
    if (!size) return null;
    held.push(Buffer.from(input.subarray(0, size)));
  }
}

function write(text) {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += writeSync(1, bytes, written);
}

/** Every promise that can go on has done so. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

async function answer([now, serial, taken, what, ...how]) {
  if (what === "open") page = new Page();
  page.enter(now, serial, taken);
  attempt(() => page[what](...how));
  await settled();
  for (let count = 0, ran = true; ran; count++) {
    ran = attempt(() => page.runTimer());
    if (count > MOST_TIMERS) page.die(`${MOST_TIMERS} timers within one instant`);
    await settled();
  }
  return page.report();
}

/** What escapes the client is its fault, and no reason to end this process. */
function attempt(act) {
  try {
    return act();
  } catch (error) {
    page.die(error);
    return true;
  }
}

for (const kind of ["uncaughtException", "unhandledRejection"]) {
  process.on(kind, (error) => page?.die(error));
}

for (let line = readLine(); line !== null; line = readLine()) {
  write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
process.exit();
