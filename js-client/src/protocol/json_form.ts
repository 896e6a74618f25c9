/** The JSON form of the wire: text messages, for looking at. It is not part of the single-file build. */
import type { Codec, Data, Message } from "./codec.js";
import { MESSAGE_DEPTH, nameOf, otherForm } from "./forms.js";
import { decode, encode } from "./json.js";
import type { Packet } from "./packets.js";
import { readMessage } from "./spelling.js";

export class JsonCodec implements Codec {
  readonly contentType = "application/json";
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** See Codec.encode. UTF-8 bytes, so that bounds measure what travels. */
  encode(packet: Packet): Uint8Array<ArrayBuffer> {
    const fields = packet.map((field) => encode(field, nameOf(field)));
    return this.#encoder.encode(`[${fields.join()}]`);
  }

  /** See Codec.pack. */
  pack(number: number, counted: number, parts: readonly Uint8Array<ArrayBuffer>[]): Data {
    return `[${[number, counted, ...parts.map((part) => this.#decoder.decode(part))].join()}]`;
  }

  /** See Codec.decode. */
  decode(data: Data): Message {
    return readMessage(typeof data === "string" ? decode(data, MESSAGE_DEPTH) : otherForm());
  }
}
