/** The seam to a form of the wire: packets to bytes and back. */
import type { Packet } from "./packets.js";

/** One message as a transport carries it: bytes in msgpack form, text in JSON form. */
export type Data = Uint8Array<ArrayBuffer> | string;

/** What one message says: the number of its first counted packet, how many it holds, and its packets. */
export interface Message {
  readonly number: number;
  readonly counted: number;
  readonly packets: readonly Packet[];
}

/** One form of the wire. */
export interface Codec {
  readonly contentType: string;

  /** Spell one packet, without a number. Throws PayloadError. */
  encode(packet: Packet): Uint8Array<ArrayBuffer>;

  /** Compose the encoded packets `parts`, `counted` of them counted from `number` on, into one message. */
  pack(number: number, counted: number, parts: readonly Uint8Array<ArrayBuffer>[]): Data;

  /**
   * Read one message.
   *
   * Throws RemoteProtocolError with code `protocol` when it cannot be read, `miscounted` when it holds another number
   * of counted packets than it says, and `unsupported` for an unknown counted packet.
   */
  decode(data: Data): Message;
}

/** How many bytes some parts have together. */
export function sizeOf(parts: readonly ArrayLike<number>[]): number {
  return parts.reduce((size, part) => size + part.length, 0);
}

/** Some parts as one. */
export function joined(parts: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(sizeOf(parts));
  let end = 0;
  for (const part of parts) {
    whole.set(part, end);
    end += part.length;
  }
  return whole;
}
