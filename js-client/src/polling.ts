/**
 * HTTP from the client's end: long-polling, or an event stream. Pure: it says which requests to make and is told how
 * they went.
 *
 * One poll, or the stream, is always open and one push at most is in flight. Whatever goes wrong with a request, the
 * transport is lost: the next attach finds out what arrived, so nothing has to be repeated here (contract rule 18).
 */
import type { Port } from "./connector.js";
import { FENCED } from "./protocol/closing.js";
import type { Codec, Data } from "./protocol/codec.js";
import { NEVER } from "./protocol/never.js";
import type { Ack } from "./protocol/packets.js";
import type { Ear } from "./transports/base.js";

/**
 * How long each request may take. A poll is answered within 20 s; with so much more the network had its time (contract
 * rule 20). Whether a stream lives the session finds out.
 */
const WAITS = { attach: 20, poll: 40, push: 20, stream: NEVER };

type Verb = keyof typeof WAITS;

/** One POST to make. */
export interface HttpRequest {
  readonly verb: Verb;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Data;
  readonly timeout: number;

  /** A message came on the stream. */
  heard(message: Data): void;
}

/**
 * How a request ended. With a status other than 200 and 204 it has no answer, and its body is a text that says why; a
 * stream that is over and a request that failed have 0.
 */
export interface HttpAnswer {
  readonly status: number;
  readonly body: Data;
}

/** What the polls and headers are made from: the session. */
export interface Owner {
  readonly codec: Codec;
  readonly attempt: number;
  readonly key: string;
  progress(): Ack;
}

/** One attach over HTTP. */
export class PollingPort implements Port {
  readonly single = true;
  readonly pings: boolean;
  readonly #owner: Owner;
  readonly #ear: Ear;
  readonly #request: (request: HttpRequest) => Promise<HttpAnswer>;
  /** The numbers of the requests under way, until it is closed. A newer one of the same kind takes the place. */
  #open: { [V in Verb]?: number } | null = {};
  #requests = 0;
  #attempt = 0;
  // Kept here, since the last push of a session leaves when the session has forgotten it.
  #sid = "";

  /**
   * `request` makes a POST; its promise never rejects. With `pings` messages come on an event stream, where the server
   * pings; otherwise they are polled for.
   */
  constructor(owner: Owner, ear: Ear, request: (request: HttpRequest) => Promise<HttpAnswer>, pings = false) {
    this.#owner = owner;
    this.#ear = ear;
    this.#request = request;
    this.pings = pings;
  }

  get congested(): boolean {
    return !this.#open || !!this.#open.push;
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
    this.#open = null;
  }

  async #post(verb: Verb, message: Data): Promise<void> {
    const open = this.#open;
    if (!open) return;
    const { codec, key } = this.#owner;
    const number = ++this.#requests;
    open[verb] = number;
    // The stream of a probe does not count any more when Hello follows it.
    const counts = () => this.#open?.[verb] === number;
    const credentials = this.#sid && {
      "Antiphon-Session": this.#sid,
      "Antiphon-Key": key,
      "Antiphon-Attempt": `${this.#attempt}`,
      "Antiphon-Request": `${number}`,
    };
    const { status, body } = await this.#request({
      verb,
      headers: { "Content-Type": codec.contentType, ...credentials },
      body: message,
      timeout: WAITS[verb],
      heard: (heard) => counts() && this.#ear.received(heard),
    });
    if (!counts()) return;
    open[verb] = 0;
    if (status === 200) {
      // Pushes that work say nothing about the stream, and would hide that it does not.
      if (!this.pings) this.#ear.received(body);
    } else if (status !== 204) {
      const attempt = /^fenced:(\d+)/.exec(`${body}`)?.[1];
      this.#ear.lost(attempt ? FENCED : 0, attempt ?? `${status || ""} ${body}`.trim());
    }
    // Whoever was told of it may have closed the port.
    if (!this.#open) return;
    if (this.#sid && !this.pings && !open.poll) {
      this.#post("poll", codec.pack(0, 0, [codec.encode(this.#owner.progress())]));
    }
    this.#ear.drained();
  }
}
