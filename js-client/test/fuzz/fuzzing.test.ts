/** The fuzzer itself: it is the same again for the same seed, and finds what is planted. */
import { describe, expect, test } from "vitest";
import { DecodeError } from "../../src/errors.js";
import { JSON_VALUES, MSGPACK_VALUES, messages } from "./corpus.js";
import { fuzz } from "./fuzzing.js";
import { type Bytes, bytesOf, Mutator, TokenMutator } from "./mutator.js";

const ENOUGH = 20_000;
const refuse = () => {
  throw new DecodeError("never");
};

describe.each([
  ["bytes", (seed: number) => new Mutator(messages("msgpack"), seed, MSGPACK_VALUES)],
  ["tokens", (seed: number) => new TokenMutator(messages("json"), seed, JSON_VALUES)],
] as const)("mutants of %s", (_what, make) => {
  function mutants(seed: number): string[] {
    const mutator = make(seed);
    return Array.from({ length: 500 }, () => Buffer.from(mutator.mutant()).toString("hex"));
  }

  test("are the same for the same seed, and others for another", () => {
    expect(mutants(1)).toEqual(mutants(1));
    expect(mutants(1)).not.toEqual(mutants(2));
  });

  test("are not long, and nearly all different", () => {
    const made = mutants(3);

    expect(Math.max(...made.map(({ length }) => length / 2))).toBeLessThanOrEqual(2048);
    expect(new Set(made).size).toBeGreaterThan(400);
  });
});

test("an empty corpus is refused", () => {
  expect(() => new Mutator([], 0)).toThrow("the corpus is empty");
});

test("an error of another kind is found and can be read again", () => {
  const read = (data: Bytes) => {
    if (data[0] === 0x7b && data.includes(0xff)) throw new TypeError("planted");
    refuse();
  };

  const { failures } = fuzz(read, new Mutator([bytesOf("[1,2]")], 0), [], ENOUGH);

  expect(failures.length).toBeGreaterThan(0);
  const [, hex = ""] = /bytes: ([0-9a-f]+)/.exec(failures[0] ?? "") ?? [];
  expect(() => read(new Uint8Array(Buffer.from(hex, "hex")))).toThrow("planted");
});

test("an input that takes too long is found", () => {
  const read = (data: Bytes) => {
    if (data.length > 4) {
      const until = performance.now() + 40;
      while (performance.now() < until);
    }
  };

  const { failures } = fuzz(read, new Mutator([bytesOf("abcd")], 0), [bytesOf("abcde")], 1);

  expect(failures[0]).toContain("it takes");
});

test("what is accepted is mutated further, so that five steps in a row are found", () => {
  let deepest = 0;
  const read = (data: Bytes) => {
    const found = [..."magic"].findIndex((letter, place) => data[place] !== letter.charCodeAt(0));
    const steps = found < 0 ? 5 : found;
    if (steps <= deepest) refuse();
    deepest = steps;
  };

  fuzz(read, new Mutator([bytesOf(".....")], 0, [..."magic"].map(bytesOf)), [], ENOUGH);

  expect(deepest).toBe(5);
});
