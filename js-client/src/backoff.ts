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
  #failures = 0;

  /** `random` gives a number from 0 to 1. */
  constructor(settings: Partial<BackoffSettings>, random: () => number) {
    this.#settings = { first: 1, base: 0.5, ceiling: 30, stable: 30, ...settings };
    this.#random = random;
  }

  /** Seconds to wait before the next try. */
  next(): number {
    const { first, base, ceiling } = this.#settings;
    const most = this.#failures ? base * 2 ** this.#failures : first;
    this.#failures++;
    return this.#random() * Math.min(most, ceiling) * this.slower;
  }

  /** A session was attached for so long: long enough, and the series is over. */
  attachedFor(seconds: number): void {
    if (seconds >= this.#settings.stable) this.#failures = 0;
  }
}
