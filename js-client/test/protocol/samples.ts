/** Random wire values from a seed, so that a failure can be had again. */
import type { Value } from "../../src/protocol/values.js";

export type Random = () => number;

/** Mulberry32: a small generator of numbers in [0, 1) whose whole state is its seed. */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The integers on both sides of every place where the encoding changes. */
export const EDGES: readonly number[] = [0, 5, 7, 8, 15, 16, 31, 32, 53]
  .flatMap((bits) => [2 ** bits - 2, 2 ** bits - 1, 2 ** bits, 2 ** bits + 1])
  .flatMap((edge) => [edge, -edge + 0, -edge - 1])
  .filter(Number.isSafeInteger);

// Without U+FEFF, which the oracle loses at the beginning of a string; it has a test of its own.
const ALPHABETS = ["a", "az09 _-", "äöüß", "漢字かな", "🦩🏳️‍🌈", "\u0000\u007f\u0080\u07ff\u0800\uffff"] as const;
const LENGTHS = [0, 1, 2, 15, 16, 17, 31, 32, 33, 255, 256, 257] as const;

export function randomValue(random: Random, depth = 4): Value {
  switch (Math.floor(random() * (depth > 0 ? 9 : 7))) {
    case 0:
      return null;
    case 1:
      return random() < 0.5;
    case 2:
      return pick(random, EDGES);
    case 3:
      // + 0, for rounding makes -0 as well, and that travels as 0.
      return Math.round((random() - 0.5) * 2 ** (random() * 53)) + 0;
    case 4:
      return (random() - 0.5) * 10 ** (random() * 600 - 300);
    case 5:
      return randomText(random);
    case 6:
      return randomBytes(random, pick(random, LENGTHS));
    case 7:
      return Array.from({ length: randomSize(random) }, () => randomValue(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: randomSize(random) }, () => [randomText(random), randomValue(random, depth - 1)]),
      );
  }
}

export function randomBytes(random: Random, length: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length }, () => random() * 256);
}

function randomText(random: Random): string {
  const alphabet = [...pick(random, ALPHABETS)];
  return Array.from({ length: pick(random, LENGTHS) }, () => pick(random, alphabet)).join("");
}

/** Mostly small, so that trees end; now and then as long as a longer header wants. */
function randomSize(random: Random): number {
  return random() < 0.97 ? Math.floor(random() * 4) : pick(random, LENGTHS);
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}
