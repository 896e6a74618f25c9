/** The waits between tries grow, are jittered, and begin again after a while of peace. */
import { expect, test } from "vitest";
import { Backoff } from "../src/backoff.js";

function waits(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => backoff.next());
}

test("the first try comes within a second, later ones within a doubling time, at most the ceiling", () => {
  const backoff = new Backoff({}, () => 1);

  expect(waits(backoff, 9)).toEqual([1, 1, 2, 4, 8, 16, 30, 30, 30]);
});

test("the jitter is full: it may be at once", () => {
  expect(waits(new Backoff({}, () => 0), 3)).toEqual([0, 0, 0]);
});

test("after a session of 30 seconds the series begins again, after a shorter one it goes on", () => {
  const backoff = new Backoff({}, () => 1);
  waits(backoff, 4);

  backoff.attachedFor(29);
  const short = backoff.next();
  backoff.attachedFor(30);

  expect([short, backoff.next()]).toEqual([8, 1]);
});

test("a page that nobody looks at takes its time", () => {
  const backoff = new Backoff({ first: 2 }, () => 1);

  backoff.slower = 4;

  expect(backoff.next()).toBe(8);
});

test("it can grow for ever without becoming anything but the ceiling", () => {
  const backoff = new Backoff({}, () => 1);

  expect(waits(backoff, 3000).at(-1)).toBe(30);
});
