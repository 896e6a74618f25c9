/** What a server, or another client through it, may say: no name has a meaning, and nothing reaches a prototype. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { joined, type Rig, settled } from "./rig.js";

const RESERVED = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "valueOf",
  "hasOwnProperty",
  "then",
  "connect",
  "disconnect",
  "error",
  "newListener",
  "",
];

const before = Object.getOwnPropertyNames(Object.prototype);

let rig: Rig;

beforeEach(async () => {
  rig = await joined();
});

afterEach(() => {
  expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before);
  expect(({} as { admin?: boolean }).admin).toBeUndefined();
});

describe.each(RESERVED)("the name %j", (name) => {
  test("is an event like any other, for those who listen to it and for those who do not", async () => {
    const heard: unknown[] = [];
    const unlisten = rig.chat.on(name, (...args) => heard.push(args));
    await rig.say({ kind: "event", namespace: "/", name, args: [1] });
    unlisten();

    await rig.say({ kind: "event", namespace: "/", name, args: [2] });

    expect(heard).toEqual([[1]]);
    expect(rig.errors).toEqual([]);
  });

  test("can be called, and fails as any event that nobody handles", async () => {
    await rig.say({ kind: "call", id: 1, namespace: "/", name, args: [], timeout: null });
    await settled();

    expect(rig.heard()).toMatchObject([{ kind: "failed", id: 1, code: "unknown_event" }]);
  });

  test("is no namespace that anybody is in", async () => {
    await rig.say({ kind: "event", namespace: `/${name}`, name: "said", args: [1] });
    await rig.say({ kind: "joined", namespace: `/${name}`, socket: "y" });

    expect(rig.client.state).toBe("connected");
    expect(rig.chat.connected).toBe(true);
  });
});

test.each([
  ["as a key", { __proto__: null, admin: true }],
  ["as an own key", JSON.parse('{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}')],
  ["deep inside", JSON.parse('[[{"a":{"__proto__":{"admin":true}}}]]')],
])("a prototype that comes %s is a value and nothing else", async (_where, value) => {
  const heard: unknown[] = [];
  rig.chat.on("said", (...args) => heard.push(...args));

  await rig.say({ kind: "event", namespace: "/", name: "said", args: [value] });

  expect(heard).toHaveLength(1);
  expect((heard[0] as { admin?: unknown }).admin).toBe((value as { admin?: unknown }).admin);
  expect(Object.getPrototypeOf(heard[0])).toBe(Array.isArray(value) ? Array.prototype : Object.prototype);
});

test.each([
  ["reply", { kind: "reply", id: 7, value: { toString: "x" } }],
  ["failure", { kind: "failed", id: 7, code: "__proto__", message: "", data: null }],
  ["cancel", { kind: "cancel", id: 7 }],
  ["item", { kind: "item", id: 7, stream: 0, value: 1 }],
  ["end", { kind: "end", id: 7, stream: 2, error: null }],
  ["credit", { kind: "credit", id: 7, stream: 0, limit: 9 }],
])("a %s that nobody waits for harms nobody", async (_what, said) => {
  await rig.say(said);

  expect(rig.client.state).toBe("connected");
  expect(rig.errors).toEqual([]);
});

test("what the other side says of its failure is given as it came, and as nothing else", async () => {
  const answer = rig.chat.call("dance");
  await settled();
  const [call] = rig.heard();
  const data = JSON.parse('{"__proto__":{"admin":true},"stack":"forged"}');

  await rig.say({ kind: "failed", id: call?.id, code: "constructor", message: "<b>", data });

  const error = await answer.then(
    () => null,
    (reason) => reason,
  );
  expect(error).toMatchObject({ code: "constructor", message: expect.stringContaining("<b>") });
  expect(Object.hasOwn(error.data, "__proto__")).toBe(true);
  expect(error.stack).not.toContain("forged");
});
