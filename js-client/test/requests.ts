/** A transport over HTTP whose server is the test: what it asks for, and what it is told. */
import type { Data } from "../src/protocol/codec.js";
import { ACK } from "../src/protocol/packets.js";
import { HttpPort, type Owner } from "../src/transports/http.js";
import { codec, KEY, ManualClock, message, packetsOf, settled, welcome } from "./peers.js";

const OWNER: Owner = { codec, attempt: 3, key: () => KEY, progress: () => [ACK, 5] };

/** One request under way. */
export interface Request {
  readonly verb: string;
  readonly url: string;
  readonly init: RequestInit;
  readonly headers: Readonly<Record<string, string>>;
  /** What it was told to stop by. */
  readonly aborted: boolean;
  respond(response: Response): Promise<void>;
  /** The network keeps the answer away. */
  fail(): Promise<void>;
}

export function binary(...parts: Parameters<typeof message>): Response {
  return new Response(message(...parts) as Uint8Array<ArrayBuffer>);
}

export function empty(): Response {
  return new Response(null, { status: 204 });
}

/** Let bodies be read: over several turns of the loop, not only over promises. */
export async function read(): Promise<void> {
  await new Promise(setImmediate);
  await settled();
}

/** A port that was made just now; with `pings` it is for an event stream. */
export function build(pings = false) {
  const clock = new ManualClock();
  const told: unknown[][] = [];
  const requests: Request[] = [];
  /** What a test does when it is told of a message. */
  const hook = { received: () => {} };
  const fetch = (url: string, init: RequestInit) =>
    new Promise<Response>((resolve, reject) => {
      const signal = init.signal as AbortSignal;
      signal.addEventListener("abort", () => reject(signal.reason));
      requests.push({
        verb: url.replace(/.*\//, ""),
        url,
        init,
        headers: init.headers as Record<string, string>,
        get aborted() {
          return signal.aborted;
        },
        respond: (response) => {
          resolve(response);
          return read();
        },
        fail: () => {
          reject(new TypeError("fetch failed"));
          return read();
        },
      });
    });
  const ear = {
    opened: () => told.push(["opened"]),
    received: (data: Data) => {
      told.push(["received", data]);
      hook.received();
      // Where a session would be, which reads what its form is.
      if (typeof data !== "string" && packetsOf([data])[0]?.kind === "welcome") port.welcomed("s1");
    },
    drained: () => told.push(["drained"]),
    lost: (code: number, reason: string) => told.push(["lost", code, reason]),
  };
  const port: HttpPort = new HttpPort(fetch, "http://here/antiphon", clock, OWNER, ear, pings);

  /** The request of this number, from 1 on. */
  function request(number: number): Request {
    const found = requests[number - 1];
    if (!found) throw new Error(`only ${requests.length} requests were made`);
    return found;
  }

  return { clock, told, requests, request, port, hook };
}

/** Welcomed, so that a poll is open: the second request. */
export async function attached() {
  const built = build();
  built.port.write(message(0));
  await built.request(1).respond(binary(0, welcome()));
  built.told.length = 0;
  return built;
}

/** A stream as a server writes it: `say` an event, or end it. */
export function stream() {
  const { readable, writable } = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>();
  const writer = writable.getWriter();
  // Writing to what is no longer read is refused, as by a closed connection.
  const say = async (...lines: string[]) => {
    writer.write(new TextEncoder().encode(`${lines.join("\n")}\n\n`)).catch(() => {});
    await read();
  };
  const hear = (data: Data) => say(`data: ${Buffer.from(data as Uint8Array).toString("base64")}`);
  const end = async () => {
    await writer.close();
    await read();
  };
  const cut = async () => {
    await writer.abort(new TypeError("network error"));
    await read();
  };
  return { response: new Response(readable), say, hear, end, cut };
}

/** Welcomed by the stream, which is the first request. */
export async function streaming() {
  const built = build(true);
  const server = stream();
  built.port.write(message(0));
  await built.request(1).respond(server.response);
  await server.hear(message(0, welcome()));
  built.told.length = 0;
  return { ...built, server };
}
