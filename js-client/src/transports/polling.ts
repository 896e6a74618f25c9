/** HTTP as a transport: makes the requests that polling.ts asks for. */
import type { Clock } from "../platform/clock.js";
import { type HttpAnswer, type HttpRequest, type Owner, PollingPort } from "../polling.js";
import { readEvents } from "../streaming.js";
import type { Ear } from "./base.js";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

// All requests that outlive their page may have 64 KiB together.
const OUTLIVES = 16 << 10;

export class HttpPort extends PollingPort {
  /** Of the poll or stream that is open. */
  #pull = new AbortController();
  #pushing = false;
  #closed = false;

  constructor(fetch: Fetch, url: string, clock: Clock, owner: Owner, ear: Ear, pings = false) {
    const make = async ({ verb, headers, body, timeout, heard }: HttpRequest): Promise<HttpAnswer> => {
      const abort = new AbortController();
      const isPush = verb === "push";
      const isText = typeof body === "string";
      if (isPush) {
        this.#pushing = true;
      } else {
        this.#pull.abort();
        this.#pull = abort;
      }
      const done = clock.after(timeout, () => abort.abort());
      try {
        // Not as a method: the browser's own does not work on another object.
        const response = await fetch(`${url}/${verb}`, {
          method: "POST",
          headers,
          body,
          signal: abort.signal,
          keepalive: isPush && body.length < OUTLIVES,
        });
        const { status, ok } = response;
        if (verb === "stream" && ok && response.body) {
          const bytes = (text: string) => Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0));
          return { status: 0, body: await readEvents(response.body, (text) => heard(isText ? text : bytes(text))) };
        }
        return { status, body: isText || !ok ? await response.text() : new Uint8Array(await response.arrayBuffer()) };
      } catch {
        // It rejects for whatever kept the answer away, and says no more than that.
        return { status: 0, body: "" };
      } finally {
        done();
        if (isPush) {
          this.#pushing = false;
          this.#release();
        }
      }
    };
    super(owner, ear, make, pings);
    // There is nothing to open. Told later, for nobody knows this port yet.
    clock.after(0, () => ear.opened());
  }

  override close(): void {
    super.close();
    this.#closed = true;
    this.#release();
  }

  /** A push in flight outlives the port, for it may hold the goodbye: a stream that ended before it would be its end. */
  #release(): void {
    if (this.#closed && !(this.pings && this.#pushing)) this.#pull.abort();
  }
}
