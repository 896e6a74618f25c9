/** Listeners are told in order, and one that throws disturbs no other. */
import { expect, test } from "vitest";
import { Listeners } from "../src/emitter.js";
import { settled } from "./peers.js";

test("all are told in the order in which they came", () => {
  const listeners = new Listeners<readonly [number]>();
  const told: string[] = [];
  listeners.add((value) => told.push(`a${value}`));
  listeners.add((value) => told.push(`b${value}`));

  listeners.tell(() => {}, 7);

  expect(told).toEqual(["a7", "b7"]);
});

test("exceptions and rejections are reported, and the others are told", async () => {
  const listeners = new Listeners<readonly []>();
  const reports: unknown[] = [];
  let told = 0;
  listeners.add(() => {
    throw new Error("sync");
  });
  listeners.add(() => Promise.reject(new Error("async")));
  listeners.add(() => told++);

  listeners.tell((error) => reports.push((error as Error).message));
  await settled();

  expect(reports).toEqual(["sync", "async"]);
  expect(told).toBe(1);
});

test("one that listens once is told once", () => {
  const listeners = new Listeners<readonly []>();
  let told = 0;
  listeners.add(() => told++, true);

  listeners.tell(() => {});
  listeners.tell(() => {});

  expect(told).toBe(1);
});

test("what they come to is told as it is, and they find what they are given as this", async () => {
  const listeners = new Listeners<readonly [number]>();
  const self = {};
  listeners.add(function (this: unknown, value) {
    return [this, value];
  }, true);
  listeners.add(async () => {
    throw new Error("broken");
  });

  const [first, second] = await Promise.allSettled(listeners.start(self, [5]));

  expect(first).toEqual({ status: "fulfilled", value: [self, 5] });
  expect(second).toMatchObject({ status: "rejected" });
  expect(await Promise.allSettled(listeners.start(self, [5]))).toHaveLength(1);
});

test("listeners can be taken out one by one, by function, or all at once", () => {
  const listeners = new Listeners<readonly []>();
  const told = () => listeners.tell(() => {}).length;
  const known = () => {};
  const unsubscribe = listeners.add(() => {});
  listeners.add(known);
  listeners.add(() => {});

  unsubscribe();
  const two = told();
  listeners.remove(known);
  const one = told();
  listeners.remove();

  expect([two, one, told()]).toEqual([2, 1, 0]);
});

test("one that is added while others are told waits for the next time", () => {
  const listeners = new Listeners<readonly []>();
  let told = 0;
  listeners.add(() => listeners.add(() => told++));

  listeners.tell(() => {});

  expect(told).toBe(0);
});
