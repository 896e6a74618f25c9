/** The JSON form: bytes and `$` keys, and what JSON.parse would let through or round. */
import { describe, expect, test } from "vitest";
import { DecodeError } from "../../src/errors.js";
import { decode, encode } from "../../src/protocol/json.js";
import { EDGES, randomBytes, randomValue, seeded } from "./samples.js";

test("random values come back", () => {
  for (let seed = 0; seed < 1_000; seed++) {
    const value = randomValue(seeded(seed));

    expect(decode(encode(value)), `seed ${seed}`).toStrictEqual(value);
  }
});

test("values without bytes, $ keys and wide floats are what JSON.stringify writes", () => {
  const value = [null, true, -1.5, 1e-9, 'ü\n\u2028"', { a: [], b: {} }, ...EDGES];

  expect(encode(value)).toBe(JSON.stringify(value));
});

test.each<[string, unknown]>([
  ['{"$bytes":""}', new Uint8Array()],
  ['{"$bytes":"AQI="}', new Uint8Array([1, 2])],
  ['{"$bytes":"+/8="}', new Uint8Array([0xfb, 0xff])],
  ['{"$$bytes":"AQI="}', { $bytes: "AQI=" }],
  ['{"$$$bytes":1}', { $$bytes: 1 }],
  ['{"$$":1,"$$b":2}', { $: 1, $b: 2 }],
  ['{"a":1,"$$b":2}', { a: 1, $b: 2 }],
  ['{"7":1,"$$bytes":""}', { $bytes: "", 7: 1 }],
  ['{"a":{"$$b":[{"$bytes":"AA=="}]}}', { a: { $b: [new Uint8Array(1)] } }],
  ["9.007199254740992e+15", 2 ** 53],
  ["-1e+300", -1e300],
])("%s is written and read", (text, value) => {
  expect(encode(value)).toBe(text);
  expect(decode(text)).toStrictEqual(value);
});

test("an undefined member is left out, whatever its key begins with", () => {
  expect(encode({ $a: undefined, $b: 1 })).toBe('{"$$b":1}');
});

test("white space and escapes are read", () => {
  expect(decode(' { "a\\u0062" : [ 1 , "\\ud83e\\udda9" ] } ')).toStrictEqual({ ab: [1, "🦩"] });
});

test("digits in strings are no integers", () => {
  const value = {
    "9007199254740993": 'the \\"9007199254740993\\" of "9007199254740993"',
    list: ["\\", "9007199254740993"],
  };

  expect(decode(encode(value))).toStrictEqual(value);
});

test("a million bytes come back", () => {
  const value = randomBytes(seeded(1), 1_000_000);

  expect(Buffer.compare(decode(encode(value)) as Uint8Array, value)).toBe(0);
});

describe("refused with DecodeError", () => {
  test.each([
    ["nothing", ""],
    ["no JSON", "{a:1}"],
    ["two values", "1 2"],
    ["2^53", "[9007199254740992]"],
    ["2^53+1, which JSON.parse rounds", '{"a":9007199254740993}'],
    ["-2^53", "-9007199254740992"],
    ["an integer of 400 digits", "9".repeat(400)],
    ["a float beyond floats", "1e999"],
    ["half a character", '"\\ud800"'],
    ["a key that is half a character", '{"\\udc00":1}'],
    ["an unknown $ key", '{"$date":0}'],
    ["an unknown $ key behind another", '{"a":1,"$date":0}'],
    ["$bytes with a second member", '{"$bytes":"","a":1}'],
    ["$bytes that are no text", '{"$bytes":[1]}'],
    ["base64 without its padding", '{"$bytes":"AQI"}'],
    ["base64 with white space", '{"$bytes":"AQ I"}'],
    ["base64 of the URL alphabet", '{"$bytes":"-_8="}'],
    ["33 lists inside one another", "[".repeat(33) + "]".repeat(33)],
    ["a hundred thousand lists inside one another", "[".repeat(100_000) + "]".repeat(100_000)],
  ])("%s", (_what, text) => {
    expect(() => decode(text)).toThrow(DecodeError);
  });
});
