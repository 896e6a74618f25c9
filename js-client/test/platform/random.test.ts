/** A key is long, safe in a header, and never the same. */
import { expect, test } from "vitest";
import { SystemRandom } from "../../src/platform/random.js";

test("keys are 256 bits in base64, each another one", () => {
  const random = new SystemRandom();

  const keys = Array.from({ length: 50 }, () => random.key());

  expect(keys.every((key) => /^[\w+/]{43}=$/.test(key) && Buffer.from(key, "base64").length === 32)).toBe(true);
  expect(new Set(keys).size).toBe(50);
});

test("numbers are from 0 to 1", () => {
  const number = new SystemRandom().number();

  expect(number >= 0 && number < 1).toBe(true);
});
