/**
 * The values of the wire as msgpack, in the shortest form of each.
 *
 * Bit operators work on 32 signed bits, so lengths and integers are computed with arithmetic; integers of 64 bits pass
 * through BigInt.
 */
import { DecodeError } from "../errors.js";
import { descend, MAX_DEPTH, members, type Value, Walk } from "./values.js";

const utf8Encoder = /* @__PURE__ */ new TextEncoder();
// Without ignoreBOM, a string that begins with U+FEFF would lose it.
const utf8Decoder = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Encode `value`, which may hold undefined and any kind of buffer besides wire values.
 *
 * With `fields` it is a packet, and they name its elements in errors. Throws PayloadError.
 */
export function encode(value: unknown, fields?: readonly string[]): Uint8Array<ArrayBuffer> {
  const walk = new Walk(fields);
  let bytes = new Uint8Array(256);
  let view = new DataView(bytes.buffer);
  let end = 0;

  function reserve(size: number): number {
    const start = end;
    end += size;
    if (end > bytes.length) {
      const larger = new Uint8Array(end * 2);
      larger.set(bytes);
      bytes = larger;
      view = new DataView(bytes.buffer);
    }
    return start;
  }

  function writeByte(byte: number): void {
    // Reserved first: it may put a larger buffer in the place of `bytes`.
    const at = reserve(1);
    bytes[at] = byte;
  }

  function writeBytes(added: Uint8Array): void {
    const at = reserve(added.length);
    bytes.set(added, at);
  }

  /** Writes `code`, then `number` in 2^width bytes. */
  function writeNumber(code: number, width: number, number: number): void {
    writeByte(code);
    const at = reserve(1 << width);
    if (width > 2) {
      view.setBigInt64(at, BigInt(number));
    } else {
      view[`setUint${bits(width)}`](at, number);
    }
  }

  /** Writes a length below `limit` into the byte `small`; else `code` is that of one byte, `least` the first width. */
  function writeLength(length: number, small: number, limit: number, code: number, least: number): void {
    if (length < limit) {
      writeByte(small + length);
    } else {
      const width = widthOf(length) || least;
      writeNumber(code + width, width, length);
    }
  }

  function writeText(text: string): void {
    const encoded = utf8Encoder.encode(walk.text(text));
    writeLength(encoded.length, 0xa0, 32, 0xd9, 0);
    writeBytes(encoded);
  }

  function writeInteger(number: number): void {
    if (number >= -32 && number < 128) {
      writeByte(number);
    } else {
      // A negative number needs the width of its complement and one bit more.
      const width = widthOf(number < 0 ? 2 * (-1 - number) : number);
      writeNumber((number < 0 ? 0xd0 : 0xcc) + width, width, number);
    }
  }

  function writeFloat(number: number): void {
    writeByte(0xcb);
    const at = reserve(8);
    view.setFloat64(at, number);
  }

  function write(value: unknown): void {
    const admitted = walk.admit(value);
    if (admitted === null) {
      writeByte(0xc0);
    } else if (typeof admitted === "boolean") {
      writeByte(admitted ? 0xc3 : 0xc2);
    } else if (typeof admitted === "number") {
      // 1e300 is integral as well, but beyond the integers of the wire: it travels as the float that it is.
      (Number.isSafeInteger(admitted) ? writeInteger : writeFloat)(admitted);
    } else if (typeof admitted === "string") {
      writeText(admitted);
    } else if (admitted instanceof Uint8Array) {
      writeLength(admitted.length, 0, 0, 0xc4, 0);
      writeBytes(admitted);
    } else if (Array.isArray(admitted)) {
      writeLength(admitted.length, 0x90, 16, 0xdb, 1);
      for (let index = 0; index < admitted.length; index++) {
        walk.enter(index);
        write(admitted[index]);
        walk.leave();
      }
    } else {
      const travelling = members(admitted as Record<string, unknown>);
      writeLength(travelling.length, 0x80, 16, 0xdd, 1);
      for (const [key, member] of travelling) {
        walk.enter(key);
        writeText(key);
        write(member);
        walk.leave();
      }
    }
  }

  write(value);
  // A copy, for what waits in an outbox should not keep the spare room alive.
  return bytes.slice(0, end);
}

/** How many bits an integer of less than 8 bytes has, of which there are 2^width. */
function bits(width: number): 8 | 16 | 32 {
  return (8 << width) as 8 | 16 | 32;
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
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let next = 0;

  function take(size: number): number {
    const start = next;
    next += size;
    if (next > view.byteLength) throw new DecodeError("cut short");
    return start;
  }

  function takeBytes(size: number): Uint8Array<ArrayBuffer> {
    const at = take(size);
    // Not bytes.slice(): that of a Node Buffer is a view.
    return new Uint8Array(bytes.subarray(at, next));
  }

  /** Reads an integer of 2^width bytes. */
  function readInteger(width: number, signed: boolean): number {
    const at = take(1 << width);
    const kind = signed ? "Int" : "Uint";
    const number = width > 2 ? Number(view[`getBig${kind}64`](at)) : view[`get${kind}${bits(width)}`](at);
    // What Number rounds is not safe either.
    if (!Number.isSafeInteger(number)) throw new DecodeError("unsafe integer");
    return number;
  }

  function readFloat(width: number): number {
    const at = take(1 << width);
    const number = width === 2 ? view.getFloat32(at) : view.getFloat64(at);
    if (!Number.isFinite(number)) throw new DecodeError("infinite float");
    return number;
  }

  function readText(size: number): string {
    const at = take(size);
    try {
      return utf8Decoder.decode(bytes.subarray(at, next));
    } catch {
      throw new DecodeError("not UTF-8");
    }
  }

  function readList(length: number, left: number): Value[] {
    const inside = descend(left);
    // Not `new Array(length)`: a message of five bytes may claim four thousand million elements.
    const list: Value[] = [];
    for (let index = 0; index < length; index++) list.push(read(inside));
    return list;
  }

  function readMap(length: number, left: number): Value {
    const inside = descend(left);
    const entries: [string, Value][] = [];
    for (let index = 0; index < length; index++) {
      const key = read(inside);
      if (typeof key !== "string") throw new DecodeError("a key is no string");
      entries.push([key, read(inside)]);
    }
    // It defines members, where an assignment to `__proto__` would set the prototype.
    return Object.fromEntries(entries);
  }

  function read(left: number): Value {
    const at = take(1);
    const code = view.getUint8(at);
    if (code < 0x80) return code;
    if (code < 0x90) return readMap(code - 0x80, left);
    if (code < 0xa0) return readList(code - 0x90, left);
    if (code < 0xc0) return readText(code - 0xa0);
    if (code >= 0xe0) return code - 0x100;
    switch (code) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return code === 0xc3;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return takeBytes(readInteger(code - 0xc4, false));
      case 0xca:
      case 0xcb:
        return readFloat(code - 0xc8);
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return readInteger(code - 0xcc, false);
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return readInteger(code - 0xd0, true);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return readText(readInteger(code - 0xd9, false));
      case 0xdc:
      case 0xdd:
        return readList(readInteger(code - 0xdb, false), left);
      case 0xde:
      case 0xdf:
        return readMap(readInteger(code - 0xdd, false), left);
      default:
        // 0xc1 is unused; the others are extension types, dates among them.
        throw new DecodeError(`no value begins with ${code}`);
    }
  }

  const value = read(depth);
  if (next !== view.byteLength) throw new DecodeError("bytes behind it");
  return value;
}
