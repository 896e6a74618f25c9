/**
 * The values of the wire as msgpack, in the shortest form of each.
 *
 * Bit operators work on 32 signed bits, so lengths and integers are computed with arithmetic, byte by byte.
 */
import { DecodeError } from "../errors.js";
import { joined } from "./codec.js";
import { admit, inside, MAX_DEPTH, members, type Place, type Value } from "./values.js";

const utf8Encoder = /* @__PURE__ */ new TextEncoder();
// Without ignoreBOM, a string that begins with U+FEFF would lose it.
const utf8Decoder = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** What the codes from 0xc0 on mean; the second is unused. */
const CONSTANTS = [null, undefined, false, true];

/**
 * Encode `value`, which may hold undefined and any kind of buffer besides wire values.
 *
 * In errors it is called `name`. Throws PayloadError.
 */
export function encode(value: unknown, name = "value"): Uint8Array<ArrayBuffer> {
  const parts: ArrayLike<number>[] = [];

  /** Writes the code of an integer of `width`, where `code` is that of one byte, then `number` in 2^width bytes. */
  function writeNumber(code: number, width: number, number: number): void {
    parts.push([code + width]);
    // Of each the lowest 8 bits count, those of a negative number in two's complement.
    for (let place = 1 << width; place--; ) parts.push([Math.floor(number / 256 ** place) % 256]);
  }

  /** Writes a length below `limit` into the byte `small`; else `code` is that of one byte, `least` the first width. */
  function writeLength(length: number, small: number, limit: number, code: number, least = 0): void {
    if (length < limit) parts.push([small + length]);
    else writeNumber(code, widthOf(length) || least, length);
  }

  function write(value: unknown, left: number, place: Place): void {
    const admitted = admit(value, left, place);
    if (typeof admitted === "number") {
      if (!Number.isSafeInteger(admitted)) {
        // 1e300 is integral as well, but beyond the integers of the wire: it travels as the float that it is.
        parts.push([0xcb], swapped(new Float64Array([admitted])));
      } else if (admitted >= 128) {
        writeNumber(0xcc, widthOf(admitted), admitted);
      } else if (admitted < -32) {
        // It needs the width of its complement and one bit more.
        writeNumber(0xd0, widthOf(-2 * admitted - 2), admitted);
      } else {
        parts.push([admitted]);
      }
    } else if (typeof admitted === "string") {
      const text = utf8Encoder.encode(admitted);
      writeLength(text.length, 0xa0, 32, 0xd9);
      parts.push(text);
    } else if (admitted instanceof Uint8Array) {
      writeLength(admitted.length, 0, 0, 0xc4);
      parts.push(admitted);
    } else if (Array.isArray(admitted)) {
      writeLength(admitted.length, 0x90, 16, 0xdb, 1);
      for (const [index, element] of admitted.entries()) write(element, left - 1, inside(place, index));
    } else if (admitted && admitted !== true) {
      const travelling = members(admitted);
      writeLength(travelling.length, 0x80, 16, 0xdd, 1);
      for (const [key, member] of travelling) {
        write(key, left, inside(place, key));
        write(member, left - 1, inside(place, key));
      }
    } else {
      parts.push([0xc0 + CONSTANTS.indexOf(admitted)]);
    }
  }

  write(value, MAX_DEPTH, () => name);
  return joined(parts);
}

/** Floats have their highest byte first on the wire, and last in the memory of every machine with a browser. */
function swapped({ buffer }: ArrayBufferView<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer).reverse();
}

/** How many bytes an unsigned integer needs, as a power of two. */
function widthOf(number: number): number {
  return number < 0x100 ? 0 : number < 0x10000 ? 1 : number < 2 ** 32 ? 2 : 3;
}

/**
 * Decode exactly one value that fills `bytes`; binaries in it are copies.
 *
 * `depth` is how many lists and maps may stand inside one another: a message adds two, itself and its packets, to
 * those of the values in it. Throws DecodeError.
 */
export function decode(bytes: Uint8Array, depth = MAX_DEPTH): Value {
  let next = 0;

  function take(size: number): Uint8Array<ArrayBuffer> {
    next += size;
    if (next > bytes.length) throw new DecodeError("cut short");
    // Not bytes.slice(): that of a Node Buffer is a view.
    return new Uint8Array(bytes.subarray(next - size, next));
  }

  /** Reads an integer of 2^width bytes. */
  function readInteger(width: number, signed = false): number {
    const taken = take(1 << width);
    let number = signed && (taken[0] as number) > 0x7f ? -1 : 0;
    for (const byte of taken) number = number * 0x100 + byte;
    // What is rounded on the way is not safe in the end.
    if (!Number.isSafeInteger(number)) throw new DecodeError("unsafe integer");
    return number;
  }

  function readFloat(wide: boolean): number {
    const { buffer } = swapped(take(wide ? 8 : 4));
    const [number = 0] = wide ? new Float64Array(buffer) : new Float32Array(buffer);
    if (!Number.isFinite(number)) throw new DecodeError("infinite float");
    return number;
  }

  function readText(size: number): string {
    const taken = take(size);
    try {
      return utf8Decoder.decode(taken);
    } catch {
      throw new DecodeError("not UTF-8");
    }
  }

  function readMany<T>(length: number, left: number, readOne: (left: number) => T): T[] {
    if (!left) throw new DecodeError("nested too deep");
    // Not `new Array(length)`: a message of five bytes may claim four thousand million elements.
    const list: T[] = [];
    while (list.length < length) list.push(readOne(left - 1));
    return list;
  }

  function readEntry(left: number): [string, Value] {
    const key = read(left);
    if (typeof key !== "string") throw new DecodeError("a key is no string");
    return [key, read(left)];
  }

  function readMap(length: number, left: number): Value {
    // It defines members, where an assignment to `__proto__` would set the prototype.
    return Object.fromEntries(readMany(length, left, readEntry));
  }

  function read(left: number): Value {
    // Behind the end it is undefined, which is no code either.
    const code = bytes[next++] as number;
    if (code < 0x80) return code;
    if (code < 0x90) return readMap(code - 0x80, left);
    if (code < 0xa0) return readMany(code - 0x90, left, read);
    if (code < 0xc0) return readText(code - 0xa0);
    if (code >= 0xe0) return code - 0x100;
    if (code >= 0xde) return readMap(readInteger(code - 0xdd), left);
    if (code >= 0xdc) return readMany(readInteger(code - 0xdb), left, read);
    if (code >= 0xd9) return readText(readInteger(code - 0xd9));
    if (code >= 0xcc && code < 0xd4) return readInteger(code % 4, code >= 0xd0);
    if (code === 0xca || code === 0xcb) return readFloat(code === 0xcb);
    if (code >= 0xc4 && code < 0xc7) return take(readInteger(code - 0xc4));
    const constant = CONSTANTS[code - 0xc0];
    if (constant !== undefined) return constant;
    // The others are extension types, dates among them.
    throw new DecodeError(`no value begins with ${code}`);
  }

  const value = read(depth);
  if (next < bytes.length) throw new DecodeError("bytes behind it");
  return value;
}
