/** How a message is read: nothing gets in whose fields are not what they have to be. */
import { DecodeError, RemoteProtocolError } from "../errors.js";
import type { Message } from "./codec.js";
import { isCounted, type Packet, WELCOME } from "./packets.js";
import type { Value } from "./values.js";

/**
 * What the fields hold of each type from 1 on, nothing for one that there is not: a mark for each field in its order,
 * see CHECKS. One with a capital may be missing or null; A is anything at all.
 */
const MARKS = "tA tt ttA tT ttlB ittlNBLN iA itTA i inA inL inn A                   m m tTNN nN f ff tTN ttl".split(
  " ",
);
const LAST = 63;

/** The same of the map that a Welcome has. */
const WELCOMED = "epoch:t sid:t received:n next:n resumed:b reason:T heartbeat:P inbox:P message:N";

const CHECKS: Readonly<Record<string, (value: unknown) => boolean>> = {
  t: isA("string"),
  b: isA("boolean"),
  f: isA("number"),
  m: isA("object"),
  n: isCount,
  i: (value) => isCount(value) && value > 0,
  l: Array.isArray,
  p: (value) => Array.isArray(value) && value.length === 2 && value.every(isCount),
};

function isA(type: string): (value: unknown) => boolean {
  return (value) => typeof value === type;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function check(value: unknown, mark: string): void {
  const may = mark.toLowerCase();
  if (!(value == null ? mark < may : (CHECKS[may]?.(value) ?? true))) throw new DecodeError("no packet");
}

/** The message that a decoded array holds. Throws RemoteProtocolError, see Codec.decode. */
export function readMessage(raw: Value): Message {
  const [number, counted, ...items] = elements(raw);
  if (!isCount(number) || !isCount(counted) || (counted && !number)) throw new DecodeError("no message");
  const packets = items.flatMap(readPacket);
  const found = packets.filter(([type]) => isCounted(type)).length;
  if (found !== counted) throw new RemoteProtocolError("miscounted", `${found}, not ${counted}`);
  return { number, counted, packets };
}

/** The packet that `item` is; none for one that may be ignored. */
function readPacket(item: Value): Packet[] {
  const [type, ...given] = elements(item);
  if (!isCount(type) || !type || type > LAST) throw new DecodeError("no packet");
  const marks = MARKS[type - 1];
  if (!marks) {
    if (isCounted(type)) throw new RemoteProtocolError("unsupported", `type ${type}`);
    return [];
  }
  for (const [index, mark] of [...marks].entries()) check(given[index], mark);
  if (type === WELCOME) {
    for (const [, name = "", mark = ""] of WELCOMED.matchAll(/(\w+):(\w)/g)) {
      check((given[0] as Record<string, Value>)[name], mark);
    }
  }
  return [item as unknown as Packet];
}

function elements(value: Value): readonly Value[] {
  return Array.isArray(value) ? value : [];
}
