/**
 * Which number each packet has on the wire, and how its fields are laid out.
 *
 * Types 1 to 31 are counted, 32 to 63 are not: one bit, so that a stranger to a type still counts right.
 */
import { RemoteProtocolError } from "../errors.js";
import type { Message } from "./codec.js";
import type { Kind, Packet } from "./packets.js";
import type { Value } from "./values.js";

/** The type, then the fields in their order: text unless said; with a question mark, one may be missing or null. */
const SPELLINGS: { readonly [K in Kind]: string } = {
  join: "1 namespace auth:any?",
  joined: "2 namespace socket",
  refused: "3 namespace reason data:any?",
  leave: "4 namespace reason?",
  event: "5 namespace name args:list redelivered:flag?",
  call: "6 id:id namespace name args:list timeout:count? redelivered:flag?",
  reply: "7 id:id value:any?",
  failed: "8 id:id code message? data:any?",
  cancel: "9 id:id",
  item: "10 id:id stream:count value:any?",
  end: "11 id:id stream:count error:any?",
  credit: "12 id:id stream:count limit:count",
  renew: "13 auth:any?",
  hello: "32 key attempt:id version:count? epoch? sid? received:count? auth:any? joins:list?",
  welcome:
    "33 epoch sid received:count next:count resumed:flag version:count? reason? heartbeat:pair? window:count? inbox:pair? message:count?",
  refuse: "34 code reason? retryAfter:count? attempt:count?",
  ack: "35 handed:count received:count?",
  ping: "36 time:number",
  pong: "37 time:number now:number",
  close: "38 code reason? retryAfter:count?",
  volatile: "39 namespace name args:list",
};

const FIRST_UNCOUNTED = 32;
const LAST = 63;

const CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  any: () => true,
  "": (value) => typeof value === "string",
  flag: (value) => typeof value === "boolean",
  number: (value) => typeof value === "number",
  count: isCount,
  id: (value) => isCount(value) && value > 0,
  list: Array.isArray,
  pair: (value) => Array.isArray(value) && value.length === 2 && value.every(isCount),
};

function typeOf(kind: Kind): number {
  return Number.parseInt(SPELLINGS[kind], 10);
}

/** Name, check and question mark of each field. */
function fieldsOf(kind: Kind): (readonly [name: string, check: string, optional: string])[] {
  return [...SPELLINGS[kind].matchAll(/ (\w+):?(\w*)(\??)/g)].map(([, ...field]) => field as [string, string, string]);
}

/** Hello and Welcome are spelled as one map instead of fields in order: they are rare, and grow. */
function isMap(kind: Kind): boolean {
  return kind === "hello" || kind === "welcome";
}

/** Whether a packet has a number. */
export function isCounted(kind: Kind): boolean {
  return typeOf(kind) < FIRST_UNCOUNTED;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** `[type, fields...]`, with the names of its elements for errors. */
export function spell(packet: Packet): [spelled: unknown[], names: string[]] {
  const { kind } = packet;
  const type = typeOf(kind);
  const fields = fieldsOf(kind);
  const record = packet as unknown as Record<string, unknown>;
  const names = fields.map(([name]) => name);
  if (isMap(kind)) {
    return [
      [type, Object.fromEntries(names.map((name) => [name, record[name] ?? undefined]))],
      ["type", kind],
    ];
  }
  const values = fields.map(([name, check]) => record[name] ?? (check ? null : ""));
  // The last field of these is left out unless it says something.
  if ((kind === "event" || kind === "call" || kind === "ack") && !values.at(-1)) values.pop();
  return [
    [type, ...values],
    ["type", ...names],
  ];
}

/** The message that a decoded array holds. Throws RemoteProtocolError, see Codec.decode. */
export function readMessage(raw: Value): Message {
  const [number, counted, ...items] = Array.isArray(raw) ? raw : [];
  if (!isCount(number) || !isCount(counted)) throw broken("no message");
  const packets = items.map(readPacket).filter((packet) => packet !== null);
  const found = packets.filter(({ kind }) => isCounted(kind)).length;
  if (found !== counted) throw new RemoteProtocolError("miscounted", `${counted} said, ${found} held`);
  if (counted && !number) throw broken("number 0");
  return { number, counted, packets };
}

/** The packet that `item` spells; null for one that may be ignored. */
function readPacket(item: Value): Packet | null {
  const [type, ...given] = Array.isArray(item) ? item : [];
  if (!isCount(type) || !type || type > LAST) throw broken("no packet");
  const kind = (Object.keys(SPELLINGS) as Kind[]).find((kind) => typeOf(kind) === type);
  if (!kind) {
    if (type >= FIRST_UNCOUNTED) return null;
    throw new RemoteProtocolError("unsupported", `packet type ${type}`);
  }
  const packet: Record<string, unknown> = { kind };
  const map = new Map(isMap(kind) ? Object.entries(given[0] ?? {}) : []);
  fieldsOf(kind).forEach(([name, check, optional], index) => {
    const value = isMap(kind) ? map.get(name) : given[index];
    if (!(optional && value == null) && (value === undefined || !CHECKS[check]?.(value))) {
      throw broken(`${name} of ${kind}`);
    }
    packet[name] = value;
  });
  return packet as unknown as Packet;
}

function broken(problem: string): RemoteProtocolError {
  return new RemoteProtocolError("protocol", problem);
}
