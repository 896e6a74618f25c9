/** Packets as records with named fields, for tests to read well: `{ kind: "reply", id: 1, value: 2 }`. */
import type { Packet } from "../src/protocol/packets.js";

/** Type, kind and fields. What stands behind a bar is left out at the end when it says nothing. */
const TABLE = `
1 join namespace auth
2 joined namespace socket
3 refused namespace reason data
4 leave namespace reason
5 event namespace name args | redelivered
6 call id namespace name args timeout | redelivered streams credit
7 reply id value
8 failed id code message data
9 cancel id
10 item id stream value
11 end id stream error
12 credit id stream limit
13 renew auth
32 hello
33 welcome
34 refuse code reason retryAfter attempt
35 ack handed | received
36 ping time
37 pong time now
38 close code reason retryAfter
39 volatile namespace name args`;

const SPELLINGS = TABLE.trim()
  .split("\n")
  .map((line) => {
    const [head = "", short = ""] = line.split("|");
    const [type, kind, ...long] = head.trim().split(" ");
    const optional = short.trim().split(" ").filter(Boolean);
    return { type: Number(type), kind, fields: [...long, ...optional], least: 1 + long.length };
  });

/** What stands for a field that is missing, where that is not null. */
const DEFAULTS: Readonly<Record<string, unknown>> = { reason: "", message: "", redelivered: false };

type Field =
  | `${"namespace" | "name" | "args" | "socket" | "auth" | "id" | "timeout" | "redelivered" | "streams" | "credit"}`
  | `${"value" | "code" | "message" | "data" | "stream" | "error" | "limit" | "reason" | "retryAfter" | "attempt"}`
  | `${"handed" | "received" | "time" | "now" | "key" | "version" | "epoch" | "sid" | "joins"}`
  | `${"next" | "resumed" | "heartbeat" | "window" | "inbox"}`;

export type Recorded = { readonly kind: string } & { readonly [F in Field]?: unknown };

/** The packet that a record names. */
export function packet({ kind, ...given }: Recorded): Packet {
  const spelling = SPELLINGS.find((each) => each.kind === kind);
  if (!spelling) throw new Error(`no packet is called ${kind}`);
  const { type, fields, least } = spelling;
  if (!fields.length) return [type, given] as unknown as Packet;
  const named: Readonly<Record<string, unknown>> = given;
  const said: unknown[] = [type, ...fields.map((name) => named[name] ?? DEFAULTS[name] ?? null)];
  while (said.length > least && !said.at(-1)) said.pop();
  return said as unknown as Packet;
}

/** A packet with its fields by name; what is null has none, nor what a later version put behind the others. */
export function record(packet: Packet): Recorded {
  const [type, ...values] = packet;
  const spelling = SPELLINGS.find((each) => each.type === type);
  if (!spelling) throw new Error(`no packet has the type ${type}`);
  const { kind = "", fields } = spelling;
  const named = fields.length
    ? fields.map((name, index) => [name, values[index]])
    : Object.entries(values[0] as object);
  return { kind, ...Object.fromEntries(named.filter(([, value]) => value != null)) };
}
