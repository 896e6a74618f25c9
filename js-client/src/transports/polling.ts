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

  constructor(fetch: Fetch, url: string, clock: Clock, owner: Owner, ear: Ear, pings = false) {
    const make = async ({ verb, headers, body, timeout, heard }: HttpRequest): Promise<HttpAnswer> => {
      const abort = new AbortController();
      const isPush = verb === "push";
      const isText = typeof body === "string";
      // A push in flight outlives the port: it may hold the goodbye.
      if (!isPush) {
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
      }
    };
    super(owner, ear, make, pings);
    // There is nothing to open. Told later, for nobody knows this port yet.
    clock.after(0, () => ear.opened());
  }

  override close(): void {
    super.close();
    this.#pull.abort();
  }
}
