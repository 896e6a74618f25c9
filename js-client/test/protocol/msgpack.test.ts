/** The msgpack codec, held against @msgpack/msgpack, and against its specification where that one is more tolerant. */
import { Encoder, decode as oracleDecode } from "@msgpack/msgpack";
import { describe, expect, test } from "vitest";
import { DecodeError } from "../../src/errors.js";
import { decode, encode } from "../../src/protocol/msgpack.js";
import { EDGES, randomBytes, randomValue, seeded } from "./samples.js";

const oracle = new Encoder();

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function bytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
}

describe("held against @msgpack/msgpack", () => {
  test("random values have the same bytes and come back", () => {
    for (let seed = 0; seed < 3_000; seed++) {
      const value = randomValue(seeded(seed));

      const encoded = encode(value);

      expect(Buffer.compare(encoded, oracle.encode(value)), `seed ${seed}: ${hex(encoded)}`).toBe(0);
      expect(decode(encoded), `seed ${seed}`).toStrictEqual(value);
    }
  });

  test.each(EDGES)("the integer %d has the same bytes and comes back", (edge) => {
    const encoded = encode(edge);

    // The oracle writes integers from 2^32 on as integers as well, with its default options.
    expect(hex(encoded)).toBe(hex(oracle.encode(edge)));
    expect(decode(encoded)).toBe(edge);
  });

  test.each([65_535, 65_536])("text, bytes, lists and maps of %d", (length) => {
    const values = [
      "x".repeat(length),
      randomBytes(seeded(length), length),
      Array.from({ length }, (_, index) => index),
      Object.fromEntries(Array.from({ length }, (_, index) => [`k${index}`, index])),
    ];

    for (const value of values) {
      const encoded = encode(value);

      expect(Buffer.compare(encoded, oracle.encode(value))).toBe(0);
      expect(decode(encoded)).toStrictEqual(value);
    }
  });

  test("garbage is refused by name, and what is not refused reads as the oracle reads it", () => {
    for (let seed = 0; seed < 5_000; seed++) {
      const random = seeded(seed);
      const garbage = random() < 0.5 ? randomBytes(random, 1 + random() * 12) : encode(randomValue(random, 2)).slice();
      garbage[Math.floor(random() * garbage.length)] = random() * 256;

      let value: unknown;
      try {
        value = decode(garbage);
      } catch (error) {
        expect(error, `seed ${seed}: ${hex(garbage)}`).toBeInstanceOf(DecodeError);
        continue;
      }

      expect(value, `seed ${seed}: ${hex(garbage)}`).toStrictEqual(oracleDecode(garbage));
    }
  });
});

describe("the bytes", () => {
  test.each<[unknown, string]>([
    [null, "c0"],
    [false, "c2"],
    [true, "c3"],
    [0, "00"],
    [127, "7f"],
    [128, "cc 80"],
    [255, "cc ff"],
    [256, "cd 0100"],
    [65_535, "cd ffff"],
    [65_536, "ce 00010000"],
    [2 ** 31 - 1, "ce 7fffffff"],
    [2 ** 31, "ce 80000000"],
    [2 ** 32 - 1, "ce ffffffff"],
    [2 ** 32, "cf 0000000100000000"],
    [2 ** 53 - 1, "cf 001fffffffffffff"],
    [-1, "ff"],
    [-32, "e0"],
    [-33, "d0 df"],
    [-128, "d0 80"],
    [-129, "d1 ff7f"],
    [-32_768, "d1 8000"],
    [-32_769, "d2 ffff7fff"],
    [-(2 ** 31), "d2 80000000"],
    [-(2 ** 31) - 1, "d3 ffffffff7fffffff"],
    [-(2 ** 32), "d3 ffffffff00000000"],
    [-(2 ** 53) + 1, "d3 ffe0000000000001"],
    [0.5, "cb 3fe0000000000000"],
    [2 ** 53, "cb 4340000000000000"],
    ["", "a0"],
    ["a", "a1 61"],
    ["x".repeat(31), `bf ${"78".repeat(31)}`],
    ["x".repeat(32), `d9 20 ${"78".repeat(32)}`],
    [new Uint8Array(), "c4 00"],
    [new Uint8Array([1, 2]), "c4 02 0102"],
    [[], "90"],
    [new Array(15).fill(0), `9f ${"00".repeat(15)}`],
    [new Array(16).fill(0), `dc 0010 ${"00".repeat(16)}`],
    [{}, "80"],
    [{ a: 1, b: [null] }, "82 a161 01 a162 91c0"],
  ])("of %j are %s", (value, expected) => {
    const encoded = encode(value);

    expect(hex(encoded)).toBe(expected.replaceAll(" ", ""));
    expect(decode(encoded)).toStrictEqual(value);
  });

  test("a value of every size up to beyond the first buffers comes back whole", () => {
    for (let length = 240; length < 1_100; length++) {
      const value = ["x".repeat(length), length];

      expect(decode(encode(value))).toEqual(value);
    }
  });

  test("a map of 16 members has the longer header", () => {
    const map = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`k${index}`, 0]));

    expect(hex(encode(map)).slice(0, 6)).toBe("de0010");
  });
});

describe("a longer form than needed is read", () => {
  test.each<[string, unknown]>([
    ["cc 01", 1],
    ["cf 0000000000000001", 1],
    ["d0 01", 1],
    ["d1 0100", 256],
    ["d2 ffffffff", -1],
    ["d3 ffffffffffffffff", -1],
    ["d3 ffe0000000000001", -(2 ** 53) + 1],
    ["ca 3f000000", 0.5],
    ["cb 3ff0000000000000", 1],
    ["d9 01 61", "a"],
    ["da 0001 61", "a"],
    ["db 00000001 61", "a"],
    ["c5 0001 07", new Uint8Array([7])],
    ["c6 00000001 07", new Uint8Array([7])],
    ["dc 0001 c0", [null]],
    ["dd 00000001 c0", [null]],
    ["de 0001 a161 c0", { a: null }],
    ["df 00000001 a161 c0", { a: null }],
    ["a4 efbbbf61", "\ufeffa"],
  ])("%s", (text, value) => {
    expect(decode(bytes(text))).toStrictEqual(value);
  });
});

describe("refused with DecodeError", () => {
  test.each([
    ["nothing", ""],
    ["bytes after the value", "c0 c0"],
    ["the unused code", "c1"],
    ["a fixed extension", "d4 01 00"],
    ["a timestamp", "d6 ff 00000000"],
    ["an extension", "c7 01 05 00"],
    ["a wide extension", "c9 00000001 05 00"],
    ["a map with a number as key", "81 01 01"],
    ["a map with nil as key", "81 c0 01"],
    ["a map with bytes as key", "81 c401 61 01"],
    ["a map with a list as key", "81 90 01"],
    ["2^53", "cf 0020000000000000"],
    ["2^53+1", "cf 0020000000000001"],
    ["2^64-1", "cf ffffffffffffffff"],
    ["-2^53", "d3 ffe0000000000000"],
    ["-2^63", "d3 8000000000000000"],
    ["NaN", "cb 7ff8000000000000"],
    ["infinity", "cb 7ff0000000000000"],
    ["minus infinity in 32 bits", "ca ff800000"],
    ["a byte that is no UTF-8", "a1 ff"],
    ["an overlong character", "a2 c080"],
    ["a surrogate in UTF-8", "a3 eda080"],
    ["a cut character", "a2 e282"],
    ["a string cut short", "a3 6161"],
    ["a length cut short", "da 00"],
    ["an integer cut short", "ce 000000"],
    ["a list cut short", "92 01"],
    ["a map without its last value", "81 a161"],
    ["a list that claims 2^32-1 elements", "dd ffffffff 00"],
    ["a map that claims 2^32-1 members", "df ffffffff a161 00"],
    ["a string that claims 2^32-1 bytes", "db ffffffff 61"],
    ["bytes that claim 2^32-1", "c6 ffffffff 61"],
    ["33 lists inside one another", `${"91".repeat(33)} c0`],
    ["a million lists inside one another", "91".repeat(1_000_000)],
    ["a million maps inside one another", "81a161".repeat(1_000_000)],
    ["lists inside a key", "81".repeat(1_000_000)],
  ])("%s", (_what, text) => {
    expect(() => decode(bytes(text))).toThrow(DecodeError);
  });

  test("every beginning of a value", () => {
    const whole = encode([1, 300, 2 ** 40, -0.5, "text", new Uint8Array(3), { a: [null, true], b: "ü" }]);

    for (let length = 0; length < whole.length; length++) {
      expect(() => decode(whole.subarray(0, length)), `${length} bytes`).toThrow(DecodeError);
    }
  });
});

test("the depth that is allowed can be chosen", () => {
  const deep = bytes(`${"91".repeat(33)} c0`);

  expect(() => decode(deep, 33)).not.toThrow();
  expect(() => decode(deep, 32)).toThrow(DecodeError);
});

test("decoded bytes are a copy, also when read from a Node Buffer", () => {
  const message = Buffer.from([0xc4, 1, 7]);

  const arrived = decode(message) as Uint8Array;
  message[2] = 8;

  expect(arrived).toStrictEqual(new Uint8Array([7]));
  expect(arrived.buffer.byteLength).toBe(1);
});

test("a message is read from its part of a larger buffer", () => {
  const buffer = new Uint8Array([0xff, 0xa2, 0x68, 0x69, 0xff]);

  expect(decode(buffer.subarray(1, 4))).toBe("hi");
});

test("what was encoded does not keep a larger buffer alive", () => {
  expect(encode([1]).buffer.byteLength).toBe(2);
});
