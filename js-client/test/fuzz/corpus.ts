/** What mutants are made of: the messages of tests/vectors, and what decoders have stumbled over, here and elsewhere. */
import { readFileSync } from "node:fs";
import { type Bytes, bytesOf } from "./mutator.js";

type Text = string | readonly (string | readonly [piece: string, times: number])[];
type Form = "msgpack" | "json";
type Entry = { readonly [F in Form]?: Text } & { readonly form?: Form; readonly data?: Text };

// What is longer is not mutated two hundred thousand times.
const SHORT = 400;
const DEEP = 100_000;

function joined(text: Text): string {
  if (typeof text === "string") return text;
  return text.map((piece) => (typeof piece === "string" ? piece : piece[0].repeat(piece[1]))).join("");
}

function entries(name: string): Entry[] {
  return JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}.json`, import.meta.url), "utf8"));
}

/** The vectors of a form, those that are read and those that are refused. */
export function messages(form: Form): Bytes[] {
  return ["packets", "accepted", "refused"]
    .flatMap(entries)
    .map((entry) => entry[form] ?? (entry.form === form ? entry.data : undefined))
    .filter((text) => text !== undefined)
    .map((text) => new Uint8Array(Buffer.from(joined(text), form === "json" ? "utf8" : "hex")))
    .filter((data) => data.length <= SHORT);
}

/** What a server writes to an event stream. */
export function streams(): Bytes[] {
  return [
    ...messages("json").map((data) => `data: ${Buffer.from(data)}\n\n`),
    ...messages("msgpack").map((data) => `data: ${Buffer.from(data).toString("base64")}\n\n`),
    ": comment\n\n",
    "id: 3\nretry: 5\ndata:[0]\n\n",
    "event: close\ndata: fenced:2\n\n",
    "event: close\n\n",
  ].map((text) => new Uint8Array(Buffer.from(text)));
}

/** Names and texts that mean something to somebody, and text that is none. */
const TEXTS = [
  ..."__proto__ constructor prototype toString hasOwnProperty $bytes $$bytes $ connect / /chat".split(" "),
  ...["", "\0", "\r\n", "\x1b[31m", "\xef\xbb\xbf", "\xe2\x80\xa8", "\xc3\xa9\xf0\x9f\xa6\xa9"],
  ...["\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"],
];

const INTEGERS = [
  0n,
  1n,
  31n,
  32n,
  63n,
  127n,
  128n,
  255n,
  2n ** 31n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 64n - 1n,
];
const NEGATIVE = [-1n, -32n, -33n, -(2n ** 31n), -(2n ** 53n) + 1n, -(2n ** 53n), -(2n ** 63n)];

/** A 64-bit integer, however small. */
function wide(integer: bigint): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigInt64(0, BigInt.asIntN(64, integer));
  return (integer < 0n ? "\xd3" : "\xcf") + Buffer.from(view.buffer).toString("latin1");
}

/** Whole values of msgpack, right and wrong. */
export const MSGPACK_VALUES: readonly Bytes[] = [
  ...[...INTEGERS, ...NEGATIVE].map(wide),
  ...TEXTS.map((text) => String.fromCharCode(0xa0 + text.length) + text),
  ..."\0 \x01 \x3f \xc0 \xc1 \xc2 \xc3 \x90 \x80 \x91\x90 \x81\xa1a\x01 \x81\x01\x01 \x81\xc0\x01 \x81\x90\x01".split(
    " ",
  ),
  "\x82\xa1a\x01\xa1a\x02",
  "\x81\xa9__proto__\x81\xa1x\x01",
  "\xc4\x02\xff\0",
  // Lengths that lie.
  ...["\xdd", "\xdf", "\xdb", "\xc6", "\xc9"].map((code) => `${code}\xff\xff\xff\xff`),
  ...["\xdc", "\xde", "\xda", "\xc5", "\xc8"].map((code) => `${code}\xff\xff`),
  // Extensions: known to msgpack as times, and unknown.
  "\xd4\x07\0",
  "\xd6\xff\0\0\0\x01",
  `\xd7\xff${"\xff".repeat(8)}`,
  `\xc7\x0c\xff${"\0".repeat(4)}\x7f${"\xff".repeat(7)}`,
  // Not a number, infinite, the smallest, the negative nothing.
  ...["\x7f\xf8", "\x7f\xf0", "\xff\xf0", "\0\0", "\x80\0"].map((float) => `\xcb${float}\0\0\0\0\0\x01`),
  "\xca\x7f\x80\0\0",
  `${"\x91".repeat(40)}\xc0`,
  `${"\x81\xa1a".repeat(40)}\xc0`,
].map(bytesOf);

/** Whole values of JSON, and tokens that stand where a value may. */
export const JSON_VALUES: readonly Bytes[] = [
  ...[...INTEGERS, ...NEGATIVE].map(String),
  ...TEXTS.map((text) => `"${text.replace("\r\n", "\\r\\n").replace("\x1b", "\\u001b")}"`),
  ..."-0 -0.0 0.5 1e5 1e300 1e999 -1e999 5e-324 1E400 01 1. .5 NaN Infinity null true false undefined".split(" "),
  ..."[] {} [[]] , : [ ] { }".split(" "),
  ...['{"a":1}', '{"a":1,"a":2}', '{"__proto__":{"x":1}}', '{"constructor":{"prototype":{"x":1}}}', '"'],
  ...['{"$bytes":"AQI="}', '{"$bytes":"AQI"}', '{"$bytes":"AQI=","a":1}', '{"$bytes":1}', '{"\\u0024bytes":"AQI="}'],
  ...['{"$$bytes":"AQI="}', '{"$other":1}', '"\\ud800"', '"\\udc00\\ud800"', '"\\ud83e\\udda9"', '"\\u0000"', '"\\x"'],
  ...["9".repeat(25), "9".repeat(400), "9".repeat(5000), `1${"0".repeat(310)}`],
  "[".repeat(40) + "]".repeat(40),
  `${'{"a":'.repeat(40)}1${"}".repeat(40)}`,
].map(bytesOf);

/** Fields, breaks and ends of an event stream. */
export const STREAM_TOKENS: readonly Bytes[] = [
  ...["data", "event", "close", ": ", ":", "\n", "\n\n", "\r", "\r\n\r\n", "fenced:", "=", "data: ", "event: close\n"],
  ...TEXTS,
].map(bytesOf);

function event(value: string): string {
  return `\x93\x01\x01\x94\x05\xa1/\xa1e\x91${value}`;
}

function textEvent(value: string): string {
  return `[1,1,[5,"/","e",[${value}]]]`;
}

// They are long, so they are read as they are, and only a few mutants of them.
export const MSGPACK_GIANTS: readonly Bytes[] = [
  "\x91".repeat(DEEP),
  "\x81\xa1a".repeat(DEEP),
  "\x81".repeat(DEEP),
  event(`${"\x91".repeat(DEEP)}\xc0`),
  event(`\xdd\0\x01\0\0${"\xc0".repeat(1 << 16)}`),
  event(`\xdd\0\x01\0\0${"\x80".repeat(1 << 16)}`),
  event(`\xdb\0\x0f\0\0${"x".repeat(15 << 16)}`),
  event(`\xc6\0\x0f\0\0${"\xff".repeat(15 << 16)}`),
  event(`\xdf\0\x01\0\0${"\xa1a\xc0".repeat(1 << 16)}`),
  `\xdd\0\0\x40\x02\x01\0${"\x92\x3f\xc0".repeat(1 << 14)}`,
].map(bytesOf);

export const JSON_GIANTS: readonly Bytes[] = [
  "[".repeat(DEEP),
  "[".repeat(DEEP) + "]".repeat(DEEP),
  '{"a":'.repeat(DEEP),
  `${'{"a":'.repeat(DEEP)}1${"}".repeat(DEEP)}`,
  textEvent("9".repeat(900_000)),
  textEvent(`"${"x".repeat(900_000)}"`),
  textEvent(`"${"\\n".repeat(450_000)}"`),
  textEvent(`"${'\\"9'.repeat(300_000)}"`),
  textEvent(`{"$bytes":"${"AAAA".repeat(200_000)}"}`),
  textEvent("[],".repeat(30_000) + 0),
  textEvent(`{${'"a":1,'.repeat(15_000)}"b":2}`),
  `[1,0${",[63]".repeat(20_000)}]`,
].map(bytesOf);
