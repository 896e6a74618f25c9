/** What happens to the page and the machine around it. */

/**
 * offline, online: what the machine says of its network. hidden, visible: whether somebody looks. pagehide: the page goes
 * away, perhaps for good. pageshow: it is there, perhaps again.
 */
export type Moment = "offline" | "online" | "hidden" | "visible" | "pagehide" | "pageshow";

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
    // All that a listener's options need of it is its signal.
    const stop = new AbortController();
    const told = ({ type }: Event) =>
      listener(type === "visibilitychange" ? (document.hidden ? "hidden" : "visible") : (type as Moment));
    for (const type of ["offline", "online", "pagehide", "pageshow", "visibilitychange"]) {
      addEventListener(type, told, stop);
    }
    return () => stop.abort();
  }

  beacon(url: string, text: string): void {
    // Node 20 has no navigator, and a worker's sends no beacons.
    globalThis.navigator?.sendBeacon?.(url, text);
  }
}
