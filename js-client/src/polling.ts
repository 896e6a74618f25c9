/**
 * Long-polling from the client's end. Pure: it says which requests to make and is told how they went.
 *
 * One poll is always open and one push at most is in flight. Whatever goes wrong with a request, the transport is
 * lost: the next attach finds out what arrived, so nothing has to be repeated here (contract rule 18).
 */
import type { Port } from "./connector.js";
import { FENCED } from "./protocol/closing.js";
import type { Codec, Data } from "./protocol/codec.js";
import type { Ack } from "./protocol/packets.js";
import type { Ear } from "./transports/base.js";

// A poll is answered within 20 s; with so much more the network had its time (contract rule 20).
const POLL_WAIT = 40;
const PUSH_WAIT = 20;

/** One POST to make. `token` comes back with the answer. */
export interface HttpRequest {
  readonly token: number;
  readonly verb: "attach" | "poll" | "push";
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Data;
  readonly timeout: number;
}

/** With a status other than 200 and 204 it is none, and its body is a text that says why. */
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
  readonly pings = false;
  congested = false;
  readonly #owner: Owner;
  readonly #ear: Ear;
  readonly #request: (request: HttpRequest) => void;
  #token = 0;
  #poll = 0;
  #push = 0;
  #attempt = 0;
  // Kept here, since the last push of a session leaves when the session has forgotten it.
  #sid = "";
  #closed = false;

  /** `request` makes a POST and returns at once; its end is told by `answered`. */
  constructor(owner: Owner, ear: Ear, request: (request: HttpRequest) => void) {
    this.#owner = owner;
    this.#ear = ear;
    this.#request = request;
  }

  /** See Port.write: before Welcome it is an attach, then a push. */
  write(message: Data): void {
    if (this.#closed) return;
    this.congested = true;
    if (!this.#sid) this.#attempt = this.#owner.attempt;
    this.#push = this.#post(this.#sid ? "push" : "attach", message, PUSH_WAIT);
  }

  /** See Port.welcomed. */
  welcomed(sid: string): void {
    this.#sid = sid;
  }

  /** See Port.close. */
  close(): void {
    this.#closed = this.congested = true;
  }

  /** A request was answered, or had no answer. */
  answered(token: number, answer: HttpAnswer | null): void {
    const wasPoll = token === this.#poll;
    if (this.#closed || (!wasPoll && token !== this.#push)) return;
    if (wasPoll) {
      this.#poll = 0;
    } else {
      this.congested = false;
    }
    const { status = 0, body = "" } = answer ?? {};
    if (status === 200) {
      this.#ear.received(body);
    } else if (status !== 204) {
      const attempt = /^fenced:(\d+)/.exec(String(body))?.[1];
      this.#ear.lost(attempt ? FENCED : 0, attempt ?? (status ? `${status} ${body}` : ""));
    }
    if (this.#closed) return;
    if (this.#sid && !this.#poll) {
      const { codec } = this.#owner;
      this.#poll = this.#post("poll", codec.pack(0, 0, [codec.encode(this.#owner.progress())]), POLL_WAIT);
    }
    this.#ear.drained();
  }

  #post(verb: HttpRequest["verb"], body: Data, timeout: number): number {
    const token = ++this.#token;
    const headers: Record<string, string> = { "Content-Type": this.#owner.codec.contentType };
    if (this.#sid) {
      headers["Antiphon-Session"] = this.#sid;
      headers["Antiphon-Key"] = this.#owner.key;
      headers["Antiphon-Attempt"] = String(this.#attempt);
      headers["Antiphon-Request"] = String(token);
    }
    this.#request({ token, verb, headers, body, timeout });
    return token;
  }
}
