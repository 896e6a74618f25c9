/**
 * What may travel: the values of the wire and their limits.
 *
 * null, booleans, integers within +-(2^53-1), finite floats, strings of whole characters, bytes, lists, and maps with
 * string keys, at most 32 lists and maps inside one another.
 */
import { DecodeError, PayloadError } from "../errors.js";

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

/** The way of an encoder through a value that a user handed in: it admits or refuses, and knows the place by name. */
export class Walk {
  readonly #fields: readonly string[] | undefined;
  readonly #trail: (string | number)[] = [];

  /**
   * `fields` tell that the outermost list is a packet: they name its elements in errors, and it does not count as a
   * level, so that what a user nests is measured alike alone and in a packet.
   */
  constructor(fields?: readonly string[]) {
    this.#fields = fields;
  }

  enter(key: string | number): void {
    this.#trail.push(key);
  }

  leave(): void {
    this.#trail.pop();
  }

  /**
   * Admit `value` as what travels in its place: undefined as null, -0 as 0, every kind of buffer as bytes.
   *
   * Members are not looked at, so an object that holds itself is refused by its depth. Throws PayloadError.
   */
  admit(value: unknown): Shallow {
    switch (typeof value) {
      case "undefined":
        return null;
      case "boolean":
        return value;
      case "string":
        return this.text(value);
      case "number":
        return Number.isFinite(value) ? value + 0 : this.#refuse(String(value), "a finite number or null");
      case "object":
        return value && this.#object(value);
      case "bigint":
        return this.#refuse("bigint", "a number or a string");
      case "function":
      case "symbol":
        return this.#refuse(typeof value, "something else");
    }
  }

  /** Admit a string, which a map's key is too. */
  text(value: string): string {
    return isWellFormed(value) ? value : this.#refuse("half a character", "whole characters");
  }

  #object(value: object): Shallow {
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    if (value instanceof ArrayBuffer) return new Uint8Array(value);
    if (this.#trail.length - (this.#fields ? 1 : 0) >= MAX_DEPTH) {
      return this.#refuse(`nesting of more than ${MAX_DEPTH} levels`, "something flatter");
    }
    if (Array.isArray(value)) return value;
    // A plain object's prototype is the root of all, that of another frame of the page too, or it has none.
    const prototype = Object.getPrototypeOf(value);
    if (prototype === null || Object.getPrototypeOf(prototype) === null) return value as Record<string, unknown>;
    const kind = String(prototype.constructor?.name || "object of a class");
    return this.#refuse(kind, REMEDIES[kind] ?? "a plain object");
  }

  #refuse(what: string, remedy: string): never {
    const [first, ...rest] = this.#trail;
    const field = typeof first === "number" ? this.#fields?.[first] : undefined;
    const path = (field === undefined ? this.#trail : rest)
      .map((key) => (typeof key === "string" && /^\w+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`))
      .join("");
    throw new PayloadError((field ?? "value") + path, `${what} is not a wire value; send ${remedy}`);
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  Date: "a number or a string",
  Set: "an array",
  Promise: "what it resolves to",
};

/** The members of a map that travel, in their order; undefined ones stay here. */
export function members(map: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(map).filter(([, value]) => value !== undefined);
}

/** Count one list or map more while decoding, with `left` levels allowed; returns how many are left inside it. */
export function descend(left: number): number {
  if (left < 1) throw new DecodeError("nested too deep");
  return left - 1;
}
