/** What travels, what does not, and the sentence for it: the same for both forms. */
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { PayloadError } from "../../src/errors.js";
import { MsgpackCodec } from "../../src/protocol/forms.js";
import * as json from "../../src/protocol/json.js";
import { JsonCodec } from "../../src/protocol/json_form.js";
import * as msgpack from "../../src/protocol/msgpack.js";
import { EVENT, type Packet, RENEW, REPLY } from "../../src/protocol/packets.js";

class Move {
  x = 1;
}

function nested(levels: number): unknown {
  let value: unknown = 7;
  for (let level = 0; level < levels; level++) value = level % 2 ? [value] : { in: value };
  return value;
}

function cyclic(): unknown {
  const loop: unknown[] = [];
  loop.push(loop);
  return loop;
}

describe.each([
  ["msgpack", msgpack.encode, (value: unknown) => msgpack.decode(msgpack.encode(value)), new MsgpackCodec()],
  ["json", json.encode, (value: unknown) => json.decode(json.encode(value)), new JsonCodec()],
] as const)("in %s", (_form, encode, travel, codec) => {
  test.each([
    ["undefined", undefined, null],
    ["a hole in a list", new Array(2), [null, null]],
    ["undefined in a list", [undefined, 1], [null, 1]],
    ["an undefined member", { gone: undefined, here: 1 }, { here: 1 }],
    ["negative zero", -0, 0],
    ["an ArrayBuffer", new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2])],
    ["a part of a buffer", new Uint8Array([0, 1, 2, 3]).subarray(1, 3), new Uint8Array([1, 2])],
    ["a DataView", new DataView(new Uint8Array([0, 1, 2, 3]).buffer, 2), new Uint8Array([2, 3])],
    ["wider elements, as their bytes", new Uint16Array([0x0101]), new Uint8Array([1, 1])],
    ["a Node Buffer", Buffer.from([9, 8]), new Uint8Array([9, 8])],
    ["an object without prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ["an object of another realm", runInNewContext("({ a: [1] })"), { a: [1] }],
    ["a character of two surrogates", "🦩", "🦩"],
    ["an integral float beyond the integers", 2 ** 53, 2 ** 53],
    ["a huge float", -1.7976931348623157e308, -1.7976931348623157e308],
    ["the smallest float", 5e-324, 5e-324],
  ])("%s travels", (_what, sent, expected) => {
    const arrived = travel(sent);

    expect(arrived).toStrictEqual(expected);
  });

  test("a key named __proto__ is a key like any other", () => {
    const sent = JSON.parse('{"__proto__":{"admin":true},"a":1}');

    const arrived = travel(sent) as Record<string, unknown>;

    expect(Object.keys(arrived)).toEqual(["__proto__", "a"]);
    expect(Object.getPrototypeOf(arrived)).toBe(Object.prototype);
    expect({}).not.toHaveProperty("admin");
  });

  test("the order of a map's members is kept", () => {
    const arrived = travel({ z: 1, a: 2, m: 3 });

    expect(Object.keys(arrived as object)).toEqual(["z", "a", "m"]);
  });

  test.each([
    ["Date", new Date(0), "Date"],
    ["bigint", 1n, "bigint"],
    ["Set", new Set([1]), "Set"],
    ["Map", new Map(), "Map"],
    ["Promise", Promise.resolve(1), "Promise"],
    ["an object of a class", new Move(), "Move"],
    ["a nameless class", new (class {})(), "an object"],
    ["NaN", Number.NaN, "NaN"],
    ["Infinity", -1 / 0, "-Infinity"],
    ["a function", () => 1, "function"],
    ["a symbol", Symbol("s"), "symbol"],
    ["half a character", "🦩".slice(1), "half a character"],
  ])("%s is refused in words that name the place and the remedy", (_what, value, name) => {
    const send = () => encode([{ when: value }], "args");

    expect(send).toThrow(new PayloadError("args[0].when", `${name} cannot travel; send what JSON can, or bytes`));
  });

  test("a key that is half a character is refused", () => {
    const send = () => encode({ "\ud800": 1 });

    expect(send).toThrow(PayloadError);
    expect(send).toThrow(/^value\.\ud800: half a character/);
  });

  test.each([
    [{ a: [{ "odd key": Number.NaN }] }, "value.a[0].odd key"],
    [[1, [Number.NaN]], "value[1][0]"],
    [Number.NaN, "value"],
  ])("a bad value of %j has the path %s", (value, path) => {
    const send = () => encode(value);

    expect(send).toThrow(expect.objectContaining({ name: "PayloadError", path }));
  });

  test("32 levels travel", () => {
    const value = nested(32);

    expect(travel(value)).toEqual(value);
  });

  test("in a packet, its own list is no level", () => {
    const say = (args: unknown) => codec.encode([EVENT, "/", "say", args as unknown[]]);

    expect(() => say(nested(32))).not.toThrow();
    expect(() => say(nested(33))).toThrow(/nesting of more than 32 levels/);
  });

  test.each<[string, Packet, string]>([
    ["a list", [EVENT, "/", "say", [1, Number.NaN]], "args[1]"],
    ["a value", [REPLY, 1, { when: Number.NaN }], "value.when"],
    ["credentials", [RENEW, { token: [Number.NaN] }], "value.token[0]"],
  ])("in a packet, %s is called by what it is", (_what, packet, path) => {
    expect(() => codec.encode(packet)).toThrow(expect.objectContaining({ name: "PayloadError", path }));
  });

  test.each([
    ["33 levels", nested(33)],
    ["what holds itself", cyclic()],
  ])("%s is refused", (_what, value) => {
    const send = () => encode(value);

    expect(send).toThrow(/nesting of more than 32 levels cannot travel/);
  });

  test("an encoder that refused leaves nothing behind for the next value", () => {
    expect(() => encode([[Number.NaN]])).toThrow(PayloadError);

    expect(travel([[1]])).toEqual([[1]]);
  });
});
