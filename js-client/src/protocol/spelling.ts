/**
 * Which number each packet has on the wire, and how its fields are laid out.
 *
 * Types 1 to 31 are counted, 32 to 63 are not: one bit, so that a stranger to a type still counts right.
 */
import { DecodeError, RemoteProtocolError } from "../errors.js";
import type { Message } from "./codec.js";
import type { Kind, Packet } from "./packets.js";
import type { Value } from "./values.js";

/**
 * Type, kind, and the fields in their order. The mark of a field says what it holds, see CHECKS; a text has none. One
 * with a question mark may be missing or null, and is left out at the end if it has two and says nothing.
 */
const SPELLINGS = /* @__PURE__ */ read(`
1 join namespace auth*
2 joined namespace socket
3 refused namespace reason data*
4 leave namespace reason?
5 event namespace name args[ redelivered!??
6 call id+ namespace name args[ timeout#? redelivered!?? streams[?? credit+??
7 reply id+ value*
8 failed id+ code message? data*
9 cancel id+
10 item id+ stream# value*
11 end id+ stream# error[?
12 credit id+ stream# limit#
13 renew auth*
32 hello key attempt+ version#? epoch? sid? received#? auth* joins[?
33 welcome epoch sid received# next# resumed! version#? reason? heartbeat=? window#? inbox=? message#?
34 refuse code reason? retryAfter#? attempt#?
35 ack handed# received#??
36 ping time%
37 pong time% now%
38 close code reason? retryAfter#?
39 volatile namespace name args[`);

const FIRST_UNCOUNTED = 32;
const LAST = 63;

/** What is written for a field that is missing, if that is not null. */
const DEFAULTS: Readonly<Record<string, unknown>> = { "": "", "!": false };

const CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  "": isA("string"),
  "*": () => true,
  "!": isA("boolean"),
  "%": isA("number"),
  "#": isCount,
  "+": (value) => isCount(value) && value > 0,
  "[": Array.isArray,
  "=": (value) => Array.isArray(value) && value.length === 2 && value.every(isCount),
};

interface Spelling {
  readonly type: number;
  readonly kind: Kind;
  readonly fields: readonly (readonly [all: string, name: string, mark: string, optional: string])[];
}

function read(table: string): Spelling[] {
  return [...table.matchAll(/(\d+) (\w+)(.*)/g)].map(([, type, kind, fields = ""]) => ({
    type: Number(type),
    kind: kind as Kind,
    fields: [...fields.matchAll(/(\w+)([^ ?]?)(\?*)/g)] as unknown as Spelling["fields"],
  }));
}

function spellingOf(kind: Kind): Spelling {
  return SPELLINGS.find((spelling) => spelling.kind === kind) as Spelling;
}

/** Hello and Welcome are spelled as one map instead of fields in order: they are rare, and grow. */
function isMap(kind: Kind): boolean {
  return /^(hello|welcome)$/.test(kind);
}

/** Whether a packet has a number. */
export function isCounted(kind: Kind): boolean {
  return spellingOf(kind).type < FIRST_UNCOUNTED;
}

function isA(type: string): (value: unknown) => boolean {
  return (value) => typeof value === type;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The elements of a packet with their names: its type, then its fields. */
export function spell(packet: Packet): (readonly [name: string, value: unknown])[] {
  const { type, kind, fields } = spellingOf(packet.kind);
  const record = packet as unknown as Record<string, unknown>;
  const said = fields.map(([, name, mark]) => [name, record[name] ?? DEFAULTS[mark] ?? null] as const);
  while (fields[said.length - 1]?.[3] === "??" && !said.at(-1)?.[1]) said.pop();
  const known = said.filter(([name]) => record[name] != null);
  return [["type", type], ...(isMap(kind) ? [[kind, Object.fromEntries(known)] as const] : said)];
}

/** The message that a decoded array holds. Throws RemoteProtocolError, see Codec.decode. */
export function readMessage(raw: Value): Message {
  const [number, counted, ...items] = elements(raw);
  if (!isCount(number) || !isCount(counted)) throw new DecodeError("no message");
  const packets = items.flatMap(readPacket);
  const found = packets.filter(({ kind }) => isCounted(kind)).length;
  if (found !== counted) throw new RemoteProtocolError("miscounted", `${found} of ${counted} packets`);
  if (counted && !number) throw new DecodeError("number 0");
  return { number, counted, packets };
}

/** The packet that `item` spells; none for one that may be ignored. */
function readPacket(item: Value): Packet[] {
  const [type, ...given] = elements(item);
  if (!isCount(type) || !type || type > LAST) throw new DecodeError("no packet");
  const spelling = SPELLINGS.find((spelling) => spelling.type === type);
  if (!spelling) {
    if (type >= FIRST_UNCOUNTED) return [];
    throw new RemoteProtocolError("unsupported", `packet type ${type}`);
  }
  const { kind, fields } = spelling;
  const map = given[0] as Record<string, Value> | null | undefined;
  const packet: Record<string, unknown> = { kind };
  for (const [index, [, name, mark, optional]] of fields.entries()) {
    const value = isMap(kind) ? map?.[name] : given[index];
    if (!(optional && value == null) && !CHECKS[mark]?.(value)) throw new DecodeError(`${name} of ${kind}`);
    packet[name] = value;
  }
  return [packet as unknown as Packet];
}

function elements(value: Value): readonly Value[] {
  return Array.isArray(value) ? value : [];
}
