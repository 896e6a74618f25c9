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
    // All that a listener's options need of it is its signal.
    const stop = new AbortController();
    const told = ({ type, persisted }: Event & { readonly persisted?: boolean }) => {
      if (type === "visibilitychange") listener(document.hidden ? "hidden" : "visible");
      else if (type === "pagehide") listener("leave");
      else if (type !== "pageshow") listener(type as "offline" | "online");
      // Otherwise it is the page's first show.
      else if (persisted) listener("back");
    };
    for (const type of ["offline", "online", "pagehide", "pageshow"]) addEventListener(type, told, stop);
    // A worker has none.
    globalThis.document?.addEventListener("visibilitychange", told, stop);
    return () => stop.abort();
  }

  beacon(url: string, text: string): void {
    // Node 20 has no navigator, and a worker's sends no beacons.
    globalThis.navigator?.sendBeacon?.(url, text);
  }
}
