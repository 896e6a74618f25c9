/**
 * Which number each packet has on the wire, and how its fields are laid out.
 *
 * Types 1 to 31 are counted, 32 to 63 are not: one bit, so that a stranger to a type still counts right.
 */
import { RemoteProtocolError } from "../errors.js";
import type { Message } from "./codec.js";
import type { Kind, Packet } from "./packets.js";
import type { Value } from "./values.js";

type Check = (value: unknown) => boolean;

/** A field's name, what it takes, and what stands for it when it is missing; one without that must be there. */
type Field = readonly [name: string, check: Check, fallback?: Value];

const FIRST_UNCOUNTED = 32;

const isAny: Check = () => true;
const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isTime: Check = (value) => typeof value === "number";
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isId: Check = (value) => isCount(value) && value !== 0;
const isPair: Check = (value) => isList(value) && (value as Value[]).length === 2 && (value as Value[]).every(isCount);
const isList: Check = Array.isArray;
const isJoins: Check = (value) => isList(value) && (value as Value[]).every((join) => isList(join) && isText((join as Value[])[0]));

const namespace: Field = ["namespace", isText];
const name: Field = ["name", isText];
const args: Field = ["args", isList];
const auth: Field = ["auth", isAny, null];
const id: Field = ["id", isId];
const stream: Field = ["stream", isCount];
const value: Field = ["value", isAny, null];
const data: Field = ["data", isAny, null];
const code: Field = ["code", isText];
const reason: Field = ["reason", isText, ""];
const retryAfter: Field = ["retryAfter", isCount, null];
const redelivered: Field = ["redelivered", isFlag, false];
const time: Field = ["time", isTime];

const SPELLINGS: { readonly [K in Kind]: readonly [type: number, ...fields: Field[]] } = {
  join: [1, namespace, auth],
  joined: [2, namespace, ["socket", isText]],
  refused: [3, namespace, ["reason", isText], data],
  leave: [4, namespace, reason],
  event: [5, namespace, name, args, redelivered],
  call: [6, id, namespace, name, args, ["timeout", isCount, null], redelivered],
  reply: [7, id, value],
  failed: [8, id, code, ["message", isText, ""], data],
  cancel: [9, id],
  item: [10, id, stream, value],
  end: [11, id, stream, ["error", isAny, null]],
  credit: [12, id, stream, ["limit", isCount]],
  renew: [13, auth],
  hello: [
    32,
    ["key", isText],
    ["attempt", isId],
    ["version", isCount, 1],
    ["epoch", isText, null],
    ["sid", isText, null],
    ["received", isCount, 0],
    auth,
    ["joins", isJoins, []],
  ],
  welcome: [
    33,
    ["epoch", isText],
    ["sid", isText],
    ["received", isCount],
    ["next", isCount],
    ["resumed", isFlag],
    ["version", isCount, 1],
    ["reason", isText, null],
    ["heartbeat", isPair, [20_000, 20_000]],
    ["window", isCount, 120_000],
    ["inbox", isPair, [256, 1 << 20]],
    ["message", isCount, 1 << 20],
  ],
  refuse: [34, code, reason, retryAfter, ["attempt", isCount, null]],
  ack: [35, ["handed", isCount], ["received", isCount, null]],
  ping: [36, time],
  pong: [37, time, ["now", isTime]],
  close: [38, code, reason, retryAfter],
  volatile: [39, namespace, name, args],
};

// The last field is left out unless it says something.
const SHORT: readonly Kind[] = ["event", "call", "ack"];

/** Hello and Welcome are spelled as one map instead of fields in order: they are rare, and grow. */
function isMap(kind: Kind): boolean {
  return kind === "hello" || kind === "welcome";
}

/** Whether a packet has a number. */
export function isCounted(kind: Kind): boolean {
  return SPELLINGS[kind][0] < FIRST_UNCOUNTED;
}

/** `[type, fields...]`, with the names of its elements for errors. */
export function spell(packet: Packet): [spelled: unknown[], names: string[]] {
  const [type, ...fields] = SPELLINGS[packet.kind];
  const record = packet as unknown as Record<string, unknown>;
  const values = fields.map(([name, , fallback]) => record[name] ?? fallback);
  if (isMap(packet.kind)) {
    const told = fields.map(([name], index) => [name, values[index] ?? undefined]);
    return [[type, Object.fromEntries(told)], ["type", packet.kind]];
  }
  if (SHORT.includes(packet.kind) && !values.at(-1)) values.pop();
  return [
    [type, ...values],
    ["type", ...fields.map(([name]) => name)],
  ];
}

/** The message that a decoded array holds. Throws RemoteProtocolError, see Codec.decode. */
export function readMessage(raw: Value): Message {
  const [number, counted, ...items] = Array.isArray(raw) ? raw : [];
  if (!isCount(number) || !isCount(counted)) throw broken("a message is an array [n, k, packet, ...]");
  const packets: Packet[] = [];
  let found = 0;
  for (const item of items) {
    const packet = readPacket(item);
    if (packet) {
      packets.push(packet);
      if (isCounted(packet.kind)) found++;
    }
  }
  if (found !== counted) {
    throw new RemoteProtocolError("miscounted", `a message said ${counted} counted packets and held ${found}`);
  }
  if (counted && !number) throw broken("the first counted packet has number 1, not 0");
  return { number: number as number, counted, packets };
}

/** The packet that `item` spells; null for one that may be ignored. */
function readPacket(item: Value): Packet | null {
  const [type, ...given] = Array.isArray(item) ? item : [];
  if (!isId(type) || (type as number) > 63) throw broken("a packet begins with its type, a number from 1 to 63");
  const kind = (Object.keys(SPELLINGS) as Kind[]).find((kind) => SPELLINGS[kind][0] === type);
  if (!kind) {
    if ((type as number) >= FIRST_UNCOUNTED) return null;
    throw new RemoteProtocolError("unsupported", `packet type ${type} is counted, but not known here`);
  }
  const [, ...fields] = SPELLINGS[kind];
  const map = isMap(kind) ? (given[0] as Record<string, Value>) : null;
  const packet: Record<string, unknown> = { kind };
  fields.forEach(([name, check, fallback], index) => {
    const value = map ? (Object.hasOwn(map, name) ? map[name] : undefined) : given[index];
    const absent = value === undefined ? fallback !== undefined : value === null && fallback === null;
    if (!absent && (value === undefined || !check(value))) throw broken(`a ${kind} cannot be read: its ${name} is wrong`);
    packet[name] = absent ? fallback : value;
  });
  return packet as unknown as Packet;
}

function broken(problem: string): RemoteProtocolError {
  return new RemoteProtocolError("protocol", problem);
}
