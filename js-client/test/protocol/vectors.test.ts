/** The wire examples that both languages read: tests/vectors at the top of the repository, whose README says how. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { RemoteProtocolError } from "../../src/errors.js";
import type { Codec, Data, Message } from "../../src/protocol/codec.js";
import { MsgpackCodec } from "../../src/protocol/forms.js";
import { JsonCodec } from "../../src/protocol/json_form.js";
import { packet, type Recorded, record } from "../records.js";

/** A text, or the pieces of it. */
type Text = string | (string | [piece: string, times: number])[];

type Form = "msgpack" | "json";

interface Said {
  readonly name: string;
  readonly number: number;
  readonly counted: number;
  readonly packets: { readonly kind: string; readonly fields: Record<string, unknown> }[];
}

type Written = Said & Record<Form, Text>;
type Accepted = Said & { readonly form: Form; readonly data: Text };

interface Refused {
  readonly name: string;
  readonly form: Form;
  readonly data: Text;
  readonly error: "protocol" | "miscounted" | "unsupported" | "broken";
}

/** What stands for a field that is missing, where that is not null. */
const DEFAULTS: Readonly<Record<string, string>> = {
  redelivered: "false",
  reason: '""',
  message: '""',
  version: "1",
  received: "0",
  joins: "[]",
};

const CODECS: Record<Form, Codec> = { msgpack: new MsgpackCodec(), json: new JsonCodec() };

const written = load<Written>("packets");
const accepted = load<Accepted>("accepted");
const refused = load<Refused>("refused");

function load<Entry>(name: string): Entry[] {
  return JSON.parse(readFileSync(new URL(`../../../tests/vectors/${name}.json`, import.meta.url), "utf8"));
}

function joined(text: Text): string {
  if (typeof text === "string") return text;
  return text.map((piece) => (typeof piece === "string" ? piece : piece[0].repeat(piece[1]))).join("");
}

function data(form: Form, text: Text): Data {
  return form === "json" ? joined(text) : new Uint8Array(Buffer.from(joined(text), "hex"));
}

/** The value that a note in a vector stands for. */
function plain(noted: unknown): unknown {
  if (Array.isArray(noted)) return noted.map(plain);
  if (typeof noted !== "object" || noted === null) return noted;
  const { $bytes, $text, $list } = noted as { $bytes?: Text; $text?: Text; $list?: [unknown, number] };
  if ($bytes !== undefined) return new Uint8Array(Buffer.from(joined($bytes), "base64"));
  if ($text !== undefined) return joined($text);
  if ($list !== undefined) return Array.from({ length: $list[1] }, () => plain($list[0]));
  return Object.fromEntries(Object.entries(noted).map(([key, item]) => [key.replace(/^\$/, ""), plain(item)]));
}

/** A packet with its fields as TypeScript names them. */
function named({ kind, fields }: Said["packets"][number]): Recorded {
  const entries = Object.entries(fields).map(([name, item]) => [
    name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
    plain(item),
  ]);
  // What is null need not be said, and is not in the vectors.
  return { kind: kind.toLowerCase(), ...Object.fromEntries(entries.filter(([, item]) => item !== null)) };
}

/** A message without the fields that say nothing: a reader may leave them out as well as fill them in. */
function told({ number, counted, packets }: Said): unknown {
  return { number, counted, packets: packets.map((each) => withoutDefaults(named(each))) };
}

function read({ number, counted, packets }: Message): unknown {
  return { number, counted, packets: packets.map((each) => withoutDefaults(record(each))) };
}

function withoutDefaults(packet: Recorded): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(packet).filter(
      ([name, value]) => value !== undefined && value !== null && JSON.stringify(value) !== DEFAULTS[name],
    ),
  );
}

test("the files hold what they should", () => {
  expect(written.length).toBeGreaterThanOrEqual(42);
  expect(accepted.length).toBeGreaterThanOrEqual(10);
  expect(refused.length).toBeGreaterThanOrEqual(20);
});

describe.each<Form>(["msgpack", "json"])("in %s", (form) => {
  test.each(written)("$name is read", (said) => {
    const message = CODECS[form].decode(data(form, said[form]));

    expect(read(message)).toStrictEqual(told(said));
  });

  test.each(written)("$name is written byte for byte", ({ number, counted, packets, [form]: text }) => {
    const codec = CODECS[form];

    const message = codec.pack(
      number,
      counted,
      packets.map((each) => codec.encode(packet(named(each)))),
    );

    expect(spelled(message)).toBe(spelled(data(form, text)));
  });
});

// A client is greeted by nobody, and looks at no member of a Hello.
const isHello = ({ name }: { readonly name: string }) => name.startsWith("a Hello");

test.each(accepted.filter((each) => !isHello(each)))("$name is read, though nobody here writes it so", (said) => {
  const message = CODECS[said.form].decode(data(said.form, said.data));

  expect(read(message)).toStrictEqual(told(said));
});

// Nor has it limits of its own on what a server sends, so what is only broken is not its affair.
test.each(refused.filter((each) => each.error !== "broken" && !isHello(each)))(
  "$name is refused: $error",
  ({ form, data: text, error }) => {
    const read = () => CODECS[form].decode(data(form, text));

    expect(read).toThrow(RemoteProtocolError);
    expect(read).toThrow(expect.objectContaining({ code: error }));
  },
);

/** As text, for a difference that can be read. */
function spelled(message: Data): string {
  return typeof message === "string" ? message : Buffer.from(message).toString("hex");
}
