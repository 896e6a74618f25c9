/**
 * What may travel: the values of the wire and their limits.
 *
 * null, booleans, integers within +-(2^53-1), finite floats, strings of whole characters, bytes, lists, and maps with
 * string keys, at most 32 lists and maps inside one another.
 */
import { PayloadError } from "../errors.js";

export type Value = null | boolean | number | string | Uint8Array<ArrayBuffer> | Value[] | { [key: string]: Value };

/** A value whose members have not been looked at yet. */
export type Shallow =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly unknown[]
  | Readonly<Record<string, unknown>>;

/** How many lists and maps may stand inside one another, the outermost counted. */
export const MAX_DEPTH = 32;

// In unicode mode a pair of surrogates is one character, so only a lone one matches.
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether `text` is made of whole characters, so that it can be written as UTF-8. */
export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/** Tells where a value stands in what a user handed in, as in `args[0].when`. It is called only for an error. */
export type Place = () => string;

/** The place of a member or element of what stands at `place`. */
export function inside(place: Place, key: string | number): Place {
  return () => place() + (typeof key === "number" ? `[${key}]` : `.${key}`);
}

/**
 * Admit `value` as what travels in its place: undefined as null, -0 as 0, every kind of buffer as bytes.
 *
 * Members are not looked at: with `left` levels of lists and maps allowed, what holds itself is refused by its depth.
 * Throws PayloadError.
 */
export function admit(value: unknown, left: number, place: Place): Shallow {
  let problem: string = typeof value;
  if (value == null) return null;
  if (typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value + 0;
    problem = `${value}`;
  } else if (typeof value === "string") {
    if (isWellFormed(value)) return value;
    problem = "half a character";
  } else if (typeof value === "object") {
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    if (value instanceof ArrayBuffer) return new Uint8Array(value);
    // A plain object's prototype is the root of all, that of another frame of the page too, or it has none.
    const prototype = Object.getPrototypeOf(value);
    if (Array.isArray(value) || !prototype || !Object.getPrototypeOf(prototype)) {
      if (left) return value as Shallow;
      problem = `nesting of more than ${MAX_DEPTH} levels`;
    } else {
      problem = prototype.constructor.name || "an object";
    }
  }
  throw new PayloadError(place(), `${problem} cannot travel; send what JSON can, or bytes`);
}

/** The members of a map that travel, in their order; undefined ones stay here. */
export function members(map: object): [string, unknown][] {
  return Object.entries(map).filter(([, value]) => value !== undefined);
}
