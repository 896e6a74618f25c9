/** Every decoder of the client, given mutants: only the protocol's own errors come out, soon, and nothing is polluted. */
import { afterEach, expect, test } from "vitest";
import type { Codec } from "../../src/protocol/codec.js";
import { MsgpackCodec } from "../../src/protocol/forms.js";
import { decode as readJson } from "../../src/protocol/json.js";
import { JsonCodec } from "../../src/protocol/json_form.js";
import { decode as readMsgpack } from "../../src/protocol/msgpack.js";
import { readEvents } from "../../src/streaming.js";
import {
  JSON_GIANTS,
  JSON_VALUES,
  MSGPACK_GIANTS,
  MSGPACK_VALUES,
  messages,
  STREAM_TOKENS,
  streams,
} from "./corpus.js";
import { fuzz, INPUTS, type Report, replayed, SEED } from "./fuzzing.js";
import { type Bytes, bytesOf, Mutator, TokenMutator } from "./mutator.js";

const PATIENCE = 600_000;
// Inputs of one event stream: making a stream takes longer than reading it.
const TOGETHER = 50;

// Not fatal: a transport hands over text, whatever its bytes were.
const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const PROTOTYPES = [Object.prototype, Array.prototype, Function.prototype, Uint8Array.prototype, String.prototype];
const before = PROTOTYPES.map(described);

/** What a prototype holds, each by its name. */
function described(prototype: object): [name: string | symbol, ...unknown[]][] {
  return Reflect.ownKeys(prototype).map((name) => {
    const { value, get, set, writable, enumerable } = Object.getOwnPropertyDescriptor(prototype, name) ?? {};
    return [name, value, get, set, writable, enumerable];
  });
}

afterEach(() => {
  const changed = PROTOTYPES.flatMap((prototype, index) =>
    described(prototype).filter((now, place) => now.some((part, at) => !Object.is(part, before[index]?.[place]?.[at]))),
  );

  expect(changed.map(([name]) => name)).toEqual([]);
});

function inMsgpack(seeds: readonly Bytes[]): [Mutator, readonly Bytes[]] {
  return [new Mutator(seeds, SEED, MSGPACK_VALUES), [...MSGPACK_GIANTS, ...seeds, ...MSGPACK_VALUES]];
}

function inJson(seeds: readonly Bytes[]): [Mutator, readonly Bytes[]] {
  return [new TokenMutator(seeds, SEED, JSON_VALUES), [...JSON_GIANTS, ...seeds, ...JSON_VALUES]];
}

/** Every object that was read is a plain one of its own: nothing of what a key says reaches a prototype. */
function checkPlain(value: unknown): void {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== Array.prototype) throw new TypeError("a prototype was set");
  for (const member of Object.values(value)) checkPlain(member);
}

function expectSurvived(report: Report): void {
  expect(report.failures).toEqual([]);
  expect(report.inputs).toBe(INPUTS);
  // Otherwise it is garbage that is tested, and nothing behind the first check.
  expect(report.accepted).toBeGreaterThan(INPUTS / 100);
}

function readMessage(codec: Codec, data: Bytes): void {
  for (const packet of codec.decode(codec instanceof MsgpackCodec ? data : utf8.decode(data)).packets)
    checkPlain(packet);
}

test("messages in msgpack", { timeout: PATIENCE }, () => {
  const codec = new MsgpackCodec();

  expectSurvived(fuzz((data) => readMessage(codec, data), ...inMsgpack(messages("msgpack"))));
});

test("messages in JSON", { timeout: PATIENCE }, () => {
  const codec = new JsonCodec();

  expectSurvived(fuzz((data) => readMessage(codec, data), ...inJson(messages("json"))));
});

test("values in msgpack", { timeout: PATIENCE }, () => {
  const seeds = [...messages("msgpack"), ...MSGPACK_VALUES];

  expectSurvived(fuzz((data) => checkPlain(readMsgpack(data)), ...inMsgpack(seeds)));
});

test("values in JSON", { timeout: PATIENCE }, () => {
  const seeds = [...messages("json"), ...JSON_VALUES.filter(({ length }) => length < 400)];

  expectSurvived(fuzz((data) => checkPlain(readJson(utf8.decode(data))), ...inJson(seeds)));
});

/** Read mutants as one stream, each with a mark behind it; returns how many marks came, so how many were read. */
async function readTogether(mutants: readonly Bytes[]): Promise<number> {
  let marks = 0;
  const stream = new ReadableStream<Bytes>({
    start(controller) {
      for (const mutant of mutants) {
        controller.enqueue(mutant.slice(0, mutant.length / 2));
        controller.enqueue(mutant.slice(mutant.length / 2));
        controller.enqueue(bytesOf(`\n\ndata: mark ${SEED}\n\n`));
      }
      controller.close();
    },
  });
  const end = await readEvents(stream, (text) => {
    expect(text).toBeTypeOf("string");
    marks += Number(text === `mark ${SEED}`);
  });
  // A mutant that closes the stream is read as well.
  return marks + Number(end !== "" || marks < mutants.length);
}

test("event streams", { timeout: PATIENCE }, async () => {
  const mutator = new TokenMutator(streams(), SEED, STREAM_TOKENS);
  let inputs = 0;
  let waiting: Bytes[] = [];
  while (inputs < INPUTS) {
    while (waiting.length < TOGETHER) waiting.push(mutator.mutant());
    let read: number;
    try {
      read = await readTogether(waiting);
    } catch (error) {
      throw new Error(waiting.map((data) => replayed(data, String(error))).join("\n"));
    }
    inputs += read;
    waiting = waiting.slice(read);
  }

  expect(inputs).toBeGreaterThanOrEqual(INPUTS);
});

test("a closing that gives no reason has an empty one", async () => {
  const end = await readEvents(new Blob(["event: close\n\n"]).stream(), () => {});

  expect(end).toBe("");
});
