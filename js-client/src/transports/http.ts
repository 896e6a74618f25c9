/**
 * HTTP as a transport: long-polling, or an event stream.
 *
 * One poll, or the stream, is always open and one push at most is in flight. Whatever goes wrong with a request, the
 * transport is lost: the next attach finds out what arrived, so nothing has to be repeated here (contract rule 18).
 */
import type { Port } from "../connector.js";
import type { Clock } from "../platform/clock.js";
import { FENCED } from "../protocol/closing.js";
import type { Codec, Data } from "../protocol/codec.js";
import { NEVER } from "../protocol/never.js";
import type { Ack } from "../protocol/packets.js";
import { readEvents } from "../streaming.js";
import type { Ear } from "./base.js";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * How long each request may take. A poll is answered within 20 s; with so much more the network had its time (contract
 * rule 20). Whether a stream lives the session finds out.
 */
const WAITS = { attach: 20, poll: 40, push: 20, stream: NEVER };

// All requests that outlive their page may have 64 KiB together.
const OUTLIVES = 16 << 10;

/** What the polls and headers are made from: the session. */
export interface Owner {
  readonly codec: Codec;
  readonly attempt: number;
  key(): string;
  progress(): Ack;
}

/** One attach over HTTP. */
export class HttpPort implements Port {
  readonly single = true;
  readonly pings: boolean;
  readonly #fetch: Fetch;
  readonly #url: string;
  readonly #clock: Clock;
  readonly #owner: Owner;
  readonly #ear: Ear;
  /** Of the poll or stream that is open: a newer one takes its place. */
  #pull = new AbortController();
  #pushing = false;
  #closed = false;
  #requests = 0;
  #attempt = 0;
  // Kept here, since the last push of a session leaves when the session has forgotten it.
  #sid = "";

  /** With `pings` messages come on an event stream, where the server pings; otherwise they are polled for. */
  constructor(fetch: Fetch, url: string, clock: Clock, owner: Owner, ear: Ear, pings = false) {
    this.#fetch = fetch;
    this.#url = url;
    this.#clock = clock;
    this.#owner = owner;
    this.#ear = ear;
    this.pings = pings;
    // There is nothing to open. Told later, for nobody knows this port yet.
    clock.after(0, () => ear.opened());
  }

  get congested(): boolean {
    return this.#closed || this.#pushing;
  }

  /** See Port.write: before Welcome it begins an attach, then it is a push. */
  write(message: Data): void {
    if (!this.#sid) this.#attempt = this.#owner.attempt;
    this.#post(this.#sid ? "push" : this.pings ? "stream" : "attach", message);
  }

  /** See Port.welcomed. */
  welcomed(sid: string): void {
    this.#sid = sid;
  }

  /** See Port.close. */
  close(): void {
    this.#closed = true;
    this.#release();
  }

  /** A push in flight outlives the port, for it may hold the goodbye: a stream that ended before it would be its end. */
  #release(): void {
    if (this.#closed && !(this.pings && this.#pushing)) this.#pull.abort();
  }

  async #post(verb: keyof typeof WAITS, body: Data): Promise<void> {
    if (this.#closed) return;
    const { codec } = this.#owner;
    const ear = this.#ear;
    const isPush = verb === "push";
    const isText = typeof body === "string";
    const abort = new AbortController();
    if (isPush) {
      this.#pushing = true;
    } else {
      this.#pull.abort();
      this.#pull = abort;
    }
    // The stream of a probe does not count any more when Hello follows it.
    const counts = () => !this.#closed && (isPush || this.#pull === abort);
    const credentials = this.#sid && {
      "Antiphon-Session": this.#sid,
      "Antiphon-Key": this.#owner.key(),
      "Antiphon-Attempt": `${this.#attempt}`,
      "Antiphon-Request": `${++this.#requests}`,
    };
    const done = this.#clock.after(WAITS[verb], () => abort.abort());
    let status = 0;
    let said: Data = "";
    try {
      // Not as a method: the browser's own does not work on another object.
      const fetch = this.#fetch;
      const response = await fetch(`${this.#url}/${verb}`, {
        method: "POST",
        headers: { "Content-Type": codec.contentType, ...credentials },
        body,
        signal: abort.signal,
        keepalive: isPush && body.length < OUTLIVES,
      });
      if (verb === "stream" && response.ok) {
        said = await readEvents(response.body as ReadableStream<Uint8Array<ArrayBuffer>>, (text) => {
          if (counts()) ear.received(isText ? text : Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0)));
        });
      } else {
        said = isText || !response.ok ? await response.text() : new Uint8Array(await response.arrayBuffer());
        status = response.status;
      }
    } catch {
      // It rejects for whatever kept the answer away, and says no more than that.
    }
    done();
    if (isPush) {
      this.#pushing = false;
      this.#release();
    }
    if (!counts()) return;
    if (status === 200) {
      // Pushes that work say nothing about the stream, and would hide that it does not.
      if (!this.pings) ear.received(said);
    } else if (status !== 204) {
      const attempt = /^fenced:(\d+)/.exec(`${said}`)?.[1];
      ear.lost(attempt ? FENCED : 0, attempt ?? `${status || ""} ${said}`.trim());
    }
    // Whoever was told of it may have closed the port.
    if (!counts()) return;
    if (this.#sid && !this.pings && !isPush)
      this.#post("poll", codec.pack(0, 0, [codec.encode(this.#owner.progress())]));
    ear.drained();
  }
}
