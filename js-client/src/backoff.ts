/** When to try again: full jitter, so that ten thousand clients do not come back in the same second. */

/**
 * Full jitter over `base * 2**n` seconds, at most `ceiling`; the first try within `first`. The count starts anew once
 * a session has been attached for `stable` seconds.
 */
export interface BackoffSettings {
  readonly first: number;
  readonly base: number;
  readonly ceiling: number;
  readonly stable: number;
}

/** The delays of one series of failures. */
export class Backoff {
  /** How many times slower than said: a page that nobody looks at has time. */
  slower = 1;
  readonly #settings: BackoffSettings;
  readonly #random: () => number;
  /** The next wait, before its bounds; 0 after a success. */
  #wait = 0;

  /** `random` gives a number from 0 to 1. */
  constructor(settings: Partial<BackoffSettings> | undefined, random: () => number) {
    this.#settings = { first: 1, base: 0.5, ceiling: 30, stable: 30, ...settings };
    this.#random = random;
  }

  /** Seconds to wait before the next try. */
  next(): number {
    const { first, base, ceiling } = this.#settings;
    const most = Math.min(this.#wait || first, ceiling);
    this.#wait = 2 * (this.#wait || base);
    return this.#random() * most * this.slower;
  }

  /** A session was attached for so long: long enough, and the series is over. */
  attachedFor(seconds: number): void {
    if (seconds >= this.#settings.stable) this.#wait = 0;
  }
}
