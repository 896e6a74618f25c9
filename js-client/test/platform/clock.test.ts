/** The later of two clocks. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SystemClock } from "../../src/platform/clock.js";

let wall = 0;
let monotonic = 0;

beforeEach(() => {
  wall = 5_000_000;
  monotonic = 100;
  vi.spyOn(Date, "now").mockImplementation(() => wall);
  vi.spyOn(performance, "now").mockImplementation(() => monotonic);
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("it begins with the wall clock, so that the server can compare its own", () => {
  expect(new SystemClock().now()).toBe(5000);
});

test("it goes on with either", () => {
  const clock = new SystemClock();
  wall += 1000;
  monotonic += 1000;

  expect(clock.now()).toBe(5001);
});

test("in sleep the monotonic one may stand still", () => {
  const clock = new SystemClock();
  wall += 60_000;

  expect(clock.now()).toBe(5060);
});

test("when the wall clock is set back, time goes on", () => {
  const clock = new SystemClock();
  wall -= 3_600_000;
  monotonic += 2000;
  const after = clock.now();
  wall += 1000;
  monotonic += 1000;

  expect([after, clock.now()]).toEqual([5002, 5003]);
});

test("it never goes back", () => {
  const clock = new SystemClock();
  wall -= 1000;
  monotonic -= 1000;

  expect(clock.now()).toBe(5000);
});

test("a timer runs once, unless it is stopped", () => {
  vi.useFakeTimers();
  const clock = new SystemClock();
  const runs: string[] = [];
  clock.after(1, () => runs.push("kept"));
  const stop = clock.after(1, () => runs.push("stopped"));

  stop();
  vi.advanceTimersByTime(5000);

  expect(runs).toEqual(["kept"]);
});

test("a timer further away than timers reach does not run at once", () => {
  vi.useFakeTimers();
  let ran = false;
  new SystemClock().after(1e9, () => {
    ran = true;
  });

  vi.advanceTimersByTime(60_000);

  expect(ran).toBe(false);
});
