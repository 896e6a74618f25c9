/** Who listens to what. One listener that throws keeps no other from being told. */

export type Unsubscribe = () => void;

/** Told of every exception of a listener, those of its promise included. */
export type Report = (error: unknown) => void;

interface Listener<Args extends readonly unknown[]> {
  readonly told: (...args: Args) => unknown;
  readonly once: boolean;
}

/** The listeners of one thing, in the order in which they came. */
export class Listeners<Args extends readonly unknown[]> {
  #listeners: readonly Listener<Args>[] = [];

  add(told: (...args: Args) => unknown, once = false): Unsubscribe {
    const listener = { told, once };
    this.#listeners = [...this.#listeners, listener];
    return () => this.#keep((other) => other !== listener);
  }

  remove(told?: (...args: Args) => unknown): void {
    this.#keep((other) => told !== undefined && other.told !== told);
  }

  /** Tell all; returns for each the promise of what it returned, which never rejects. Exceptions go to `report`. */
  tell(report: Report, ...args: Args): Promise<unknown>[] {
    return this.start({}, args).map((outcome) => outcome.catch(report));
  }

  /** Tell all, `self` being what they find as `this`; returns for each the promise of what it returned. */
  start(self: object, args: Args): Promise<unknown>[] {
    const listeners = this.#listeners;
    this.#keep((listener) => !listener.once);
    // An async function begins at once, and what it throws is as good as rejected.
    return listeners.map(async ({ told }) => told.call(self, ...args));
  }

  #keep(stays: (listener: Listener<Args>) => boolean): void {
    this.#listeners = this.#listeners.filter(stays);
  }
}
