/** What happens to the page and the machine around it. */

/**
 * offline, online: what the machine says of its network. hidden, visible: whether somebody looks. leave: the page goes
 * away, perhaps for good. back: it did not, and lives again.
 */
export type Moment = "offline" | "online" | "hidden" | "visible" | "leave" | "back";

export interface Lifecycle {
  /** Tell `listener` of every moment, until the returned function is called. */
  listen(listener: (moment: Moment) => void): () => void;

  /** Post a few words that reach the server even if the page is gone by then. */
  beacon(url: string, text: string): void;
}

/** The events of a page, or of a worker, which has fewer; Node has none. */
export class PageLifecycle implements Lifecycle {
  listen(listener: (moment: Moment) => void): () => void {
    // Node's global object takes no listeners.
    if (typeof addEventListener !== "function") return () => {};
    const stop = new AbortController();
    const on = (target: EventTarget, type: string, moment: (event: Event) => Moment | false) => {
      const told = (event: Event) => {
        const name = moment(event);
        if (name) listener(name);
      };
      target.addEventListener(type, told, { signal: stop.signal });
    };
    on(globalThis, "offline", () => "offline");
    on(globalThis, "online", () => "online");
    on(globalThis, "pagehide", () => "leave");
    // Otherwise it is the page's first show.
    on(globalThis, "pageshow", (event) => (event as PageTransitionEvent).persisted && "back");
    if (typeof document === "object") {
      on(document, "visibilitychange", () => (document.hidden ? "hidden" : "visible"));
    }
    return () => stop.abort();
  }

  beacon(url: string, text: string): void {
    // Node 20 has no navigator, and a worker's sends no beacons.
    globalThis.navigator?.sendBeacon?.(url, text);
  }
}
