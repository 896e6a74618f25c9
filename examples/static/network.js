/**
 * A network that can be broken from the page, *below* the session's client: the client knows nothing of it.
 *
 * It stands between the page and the browser's WebSocket, fetch and sendBeacon, and must be loaded before anything uses
 * them. `network.set(mode)`:
 *
 *   "ok"            everything passes.
 *   "cut"           sockets close with 1006, requests fail, new ones too.
 *   "stall"         nothing passes any more, in either direction, and nobody is told: connections seem open. What was
 *                   under way is gone for good; when the stall ends, the connections that lived through it break.
 *   "no-websocket"  as "cut", for WebSockets only: what some proxies do.
 */
"use strict";

const network = (() => {
  const NativeSocket = window.WebSocket;
  const nativeFetch = window.fetch.bind(window);
  const nativeBeacon = navigator.sendBeacon.bind(navigator);

  /** Everything that is open, as a function that breaks it. */
  const sockets = new Set();
  const requests = new Set();
  const watchers = new Set();
  let mode = "ok";

  function set(next) {
    if (next === mode) return;
    const stalled = mode === "stall";
    mode = next;
    if (stalled || mode === "cut" || mode === "no-websocket") for (const fail of [...sockets]) fail();
    if (stalled || mode === "cut") for (const fail of [...requests]) fail();
    for (const watcher of watchers) watcher.changed?.(mode);
  }

  /** Something came in from the server: the network works. */
  function arrived() {
    for (const watcher of watchers) watcher.arrived?.();
  }

  class BreakableSocket extends EventTarget {
    static CONNECTING = 0;
    static OPEN = 1;
    static CLOSING = 2;
    static CLOSED = 3;

    onopen = null;
    onmessage = null;
    onerror = null;
    onclose = null;
    #inner = null;
    #state = 0;
    #binaryType = "blob";
    #fail = () => this.#end(1006, "", false);

    constructor(url, protocols) {
      super();
      this.url = String(new URL(url, location.href));
      sockets.add(this.#fail);
      if (mode === "cut" || mode === "no-websocket") setTimeout(this.#fail);
      if (mode !== "ok") return;
      const inner = (this.#inner = new NativeSocket(url, protocols));
      inner.binaryType = this.#binaryType;
      inner.onopen = () => {
        if (mode === "stall" || this.#state !== 0) return;
        this.#state = 1;
        this.#tell(new Event("open"));
      };
      inner.onmessage = ({ data }) => {
        if (mode === "stall" || this.#state === 3) return;
        arrived();
        this.#tell(new MessageEvent("message", { data }));
      };
      inner.onclose = ({ code, reason, wasClean }) => {
        if (mode !== "stall") this.#end(code, reason, wasClean);
      };
    }

    get readyState() {
      return this.#state;
    }

    get protocol() {
      return this.#inner?.protocol ?? "";
    }

    get extensions() {
      return this.#inner?.extensions ?? "";
    }

    get bufferedAmount() {
      return this.#inner?.bufferedAmount ?? 0;
    }

    get binaryType() {
      return this.#binaryType;
    }

    set binaryType(type) {
      this.#binaryType = type;
      if (this.#inner !== null) this.#inner.binaryType = type;
    }

    send(data) {
      if (this.#state === 0) throw new DOMException("the WebSocket is still connecting", "InvalidStateError");
      if (this.#state === 1 && mode !== "stall") this.#inner.send(data);
    }

    close(code, reason) {
      if (this.#state >= 2) return;
      this.#state = 2;
      if (this.#inner === null) setTimeout(this.#fail);
      else if (mode !== "stall") this.#inner.close(...[code, reason].filter((value) => value !== undefined));
    }

    /** The connection is over, as far as the page can see. */
    #end(code, reason, wasClean) {
      if (this.#state === 3) return;
      this.#state = 3;
      sockets.delete(this.#fail);
      // After a cut it is still open underneath; nothing of it is heard any more.
      this.#inner?.close();
      if (!wasClean) this.#tell(new Event("error"));
      this.#tell(new CloseEvent("close", { code, reason, wasClean }));
    }

    #tell(event) {
      this[`on${event.type}`]?.(event);
      this.dispatchEvent(event);
    }
  }

  for (const [name, value] of Object.entries({ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 })) {
    BreakableSocket.prototype[name] = value;
  }

  function breakableFetch(input, init = {}) {
    return new Promise((resolve, reject) => {
      const abort = new AbortController();
      const theirs = init.signal ?? (input instanceof Request ? input.signal : null);
      const finish = (settle, value) => {
        requests.delete(fail);
        settle(value);
      };
      const fail = () => {
        finish(reject, new TypeError("Failed to fetch"));
        abort.abort();
      };
      requests.add(fail);
      theirs?.addEventListener("abort", () => {
        finish(reject, theirs.reason);
        abort.abort();
      });
      if (theirs?.aborted) return finish(reject, theirs.reason);
      if (mode === "cut") return void setTimeout(fail);
      if (mode === "stall") return;

      nativeFetch(input, { ...init, signal: abort.signal })
        .then(async (response) => {
          const { status, statusText, headers } = response;
          const streaming = headers.get("Content-Type")?.startsWith("text/event-stream");
          // But for a stream, head and body are one thing here: a response comes whole or not at all.
          const body = streaming ? breakableBody(response.body) : await response.arrayBuffer();
          if (mode === "stall") return;
          arrived();
          const empty = [101, 204, 205, 304].includes(status);
          finish(resolve, new Response(empty ? null : body, { status, statusText, headers }));
        })
        .catch((error) => {
          if (mode !== "stall") finish(reject, error);
        });
    });
  }

  /** A body that comes bit by bit, and may break on the way. */
  function breakableBody(body) {
    const reader = body.getReader();
    let fail;
    return new ReadableStream({
      start(controller) {
        fail = () => {
          requests.delete(fail);
          controller.error(new TypeError("network error"));
          reader.cancel();
        };
        requests.add(fail);
      },
      async pull(controller) {
        const { done, value } = await reader.read();
        if (mode === "stall") return done ? new Promise(() => {}) : this.pull(controller);
        if (!requests.has(fail)) return;
        arrived();
        if (!done) return controller.enqueue(value);
        requests.delete(fail);
        controller.close();
      },
      cancel(reason) {
        requests.delete(fail);
        return reader.cancel(reason);
      },
    });
  }

  window.WebSocket = BreakableSocket;
  window.fetch = breakableFetch;
  // A beacon that is lost is lost without a word, so here too.
  navigator.sendBeacon = (url, data) => mode === "cut" || mode === "stall" || nativeBeacon(url, data);

  return {
    get mode() {
      return mode;
    },
    set,
    /** Be told: `changed(mode)` when it was switched, `arrived()` whenever something came from the server. */
    watch: (watcher) => void watchers.add(watcher),
  };
})();
