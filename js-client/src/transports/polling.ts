/** Long-polling as a transport: makes the requests that polling.ts asks for. */
import type { Clock } from "../platform/clock.js";
import { type HttpAnswer, type HttpRequest, type Owner, PollingPort } from "../polling.js";
import type { Ear } from "./base.js";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

// All requests that outlive their page may have 64 KiB together.
const OUTLIVES = 16 << 10;

export class HttpPort extends PollingPort {
  readonly #pulls = new AbortController();

  constructor(fetch: Fetch, url: string, clock: Clock, owner: Owner, ear: Ear) {
    async function post({ verb, headers, body }: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
      // Not as a method: the browser's own does not work on another object.
      const response = await fetch(`${url}/${verb}`, {
        method: "POST",
        headers,
        body,
        signal,
        keepalive: verb === "push" && body.length < OUTLIVES,
      });
      const { status, ok } = response;
      const text = !ok || typeof body === "string";
      return { status, body: text ? await response.text() : new Uint8Array(await response.arrayBuffer()) };
    }

    super(owner, ear, (request) => {
      // A push in flight outlives the port: it may hold the goodbye.
      const abort = request.verb === "push" ? new AbortController() : this.#pulls;
      const done = clock.after(request.timeout, () => abort.abort());
      // fetch rejects for whatever kept the answer away, and says no more than that.
      const answer = post(request, abort.signal).catch(() => null);
      answer.then((answer) => {
        done();
        this.answered(request.token, answer);
      });
    });
    // There is nothing to open. Told later, for nobody knows this port yet.
    clock.after(0, () => ear.opened());
  }

  override close(): void {
    super.close();
    this.#pulls.abort();
  }
}
