/**
 * The values of the wire as JSON text, for hand-written clients and debugging.
 *
 * Bytes are `{"$bytes":"<base64>"}`; so that no map is taken for them, every key that begins with `$` gets one more `$`
 * in front of it. Every one, not the first only: an object here puts keys that look like integers first.
 */
import { DecodeError } from "../errors.js";
import { admit, inside, isWellFormed, MAX_DEPTH, members, type Place, type Value } from "./values.js";

/**
 * Encode `value`, which may hold undefined and any kind of buffer besides wire values.
 *
 * In errors it is called `name`. Throws PayloadError.
 */
export function encode(value: unknown, name = "value"): string {
  return write(value, MAX_DEPTH, () => name);
}

function write(value: unknown, left: number, place: Place): string {
  const admitted = admit(value, left, place);
  if (admitted === null || typeof admitted === "boolean" || typeof admitted === "string") {
    return JSON.stringify(admitted);
  }
  if (typeof admitted === "number") return writeNumber(admitted);
  if (admitted instanceof Uint8Array) return `{"$bytes":"${toBase64(admitted)}"}`;
  if (Array.isArray(admitted)) {
    return `[${Array.from(admitted, (element, index) => write(element, left - 1, inside(place, index))).join()}]`;
  }
  const written = members(admitted).map(([key, member]) => {
    const at = inside(place, key);
    return `${write(key.startsWith("$") ? `$${key}` : key, left, at)}:${write(member, left - 1, at)}`;
  });
  return `{${written.join()}}`;
}

/** Integral floats beyond the wire's integers get an exponent, or the other side would refuse them as integers. */
function writeNumber(number: number): string {
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? number.toExponential() : String(number);
}

/**
 * Decode the one value that `text` is.
 *
 * `depth` is how many lists and maps may stand inside one another: a message adds two, itself and its packets, to
 * those of the values in it. Throws DecodeError.
 */
export function decode(text: string, depth = MAX_DEPTH): Value {
  let parsed: Value;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new DecodeError("the text is not JSON");
  }
  refuseWideIntegers(text);
  return read(parsed, depth);
}

/** JSON.parse rounds what a number cannot hold, so the digits are read in the text itself. */
function refuseWideIntegers(text: string): void {
  for (const [token] of text.matchAll(/"(?:[^"\\]+|\\.)*"|[\d.eE+-]+/g)) {
    if (/^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token))) {
      throw new DecodeError(`the integer ${token.slice(0, 24)} is beyond +-(2^53-1)`);
    }
  }
}

function read(parsed: Value, left: number): Value {
  switch (typeof parsed) {
    case "string":
      return readText(parsed);
    case "number":
      if (!Number.isFinite(parsed)) throw new DecodeError("a number is too large for a float");
      return parsed;
    case "boolean":
      return parsed;
  }
  if (parsed === null || parsed instanceof Uint8Array) return parsed;
  if (!Array.isArray(parsed)) return readMap(parsed, left);
  const inside = descend(left);
  return parsed.map((element) => read(element, inside));
}

function readText(text: string): string {
  if (!isWellFormed(text)) throw new DecodeError("a string holds half a character (a lone surrogate)");
  return text;
}

function readMap(parsed: { [key: string]: Value }, left: number): Value {
  const entries = Object.entries(parsed);
  const [first] = entries;
  if (first?.[0] === "$bytes" && entries.length === 1) return fromBase64(first[1]);
  const inside = descend(left);
  // It defines members, where an assignment to `__proto__` would set the prototype.
  return Object.fromEntries(entries.map(([key, member]) => [readKey(key), read(member, inside)]));
}

function readKey(key: string): string {
  if (!key.startsWith("$")) return readText(key);
  if (!key.startsWith("$$")) throw new DecodeError(`a map has the key ${key}; write $${key}`);
  return readText(key.slice(1));
}

function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

function fromBase64(text: Value): Uint8Array<ArrayBuffer> {
  // atob alone would let white space and missing padding through.
  if (typeof text !== "string" || text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new DecodeError("$bytes is not base64 with its padding");
  }
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Count one list or map more, with `left` levels allowed; returns how many are left inside it. */
function descend(left: number): number {
  if (!left) throw new DecodeError("nested too deep");
  return left - 1;
}
