/** The msgpack form of the wire: binary messages, composed by joining encoded packets behind a short head. */
import { RemoteProtocolError } from "../errors.js";
import { type Codec, type Data, type Message, sizeOf } from "./codec.js";
import { decode, encode } from "./msgpack.js";
import type { Packet } from "./packets.js";
import { readMessage, spell } from "./spelling.js";
import { MAX_DEPTH } from "./values.js";

// A message adds two levels to those of the values in it: itself and its packets.
export const MESSAGE_DEPTH = MAX_DEPTH + 2;

/** The form belongs to the session, so a message of the other one is the peer's fault. */
export function otherForm(): never {
  throw new RemoteProtocolError("protocol", "another form");
}

export class MsgpackCodec implements Codec {
  readonly contentType = "application/msgpack";

  /** See Codec.encode. */
  encode(packet: Packet): Uint8Array<ArrayBuffer> {
    return encode(...spell(packet));
  }

  /** See Codec.pack. */
  pack(number: number, counted: number, parts: readonly Uint8Array<ArrayBuffer>[]): Data {
    const length = parts.length + 2;
    const size = length < 16 ? [0x90 | length] : [0xdc, length >> 8, length & 255];
    const all = [size, encode(number), encode(counted), ...parts];
    const message = new Uint8Array(sizeOf(all));
    let end = 0;
    for (const part of all) {
      message.set(part, end);
      end += part.length;
    }
    return message;
  }

  /** See Codec.decode. */
  decode(data: Data): Message {
    return readMessage(typeof data === "string" ? otherForm() : decode(data, MESSAGE_DEPTH));
  }
}
