/** The time as a client needs it, and timers by it. */

export interface Clock {
  /** Seconds; it never goes back. */
  now(): number;

  /** Call `task` once after so many seconds, unless the returned function is called before. */
  after(seconds: number, task: () => void): () => void;
}

// By so many milliseconds the two clocks may differ: what counts whole ones differs all the time.
const SKEW = 1000;

// A longer timer overflows and fires at once; who waits looks at the time anyway.
const LONGEST = 1e6;

/**
 * The later of wall and monotonic time: the monotonic one, and what the wall clock leaps ahead of it.
 *
 * The monotonic clock of some systems stands still in sleep, and the wall clock may be set back.
 */
export class SystemClock implements Clock {
  #now = Date.now();
  #ahead = this.#now - performance.now();
  #leapt = this.#ahead;

  now(): number {
    const monotonic = performance.now();
    const ahead = Date.now() - monotonic;
    const leap = ahead - this.#ahead;
    if (Math.abs(leap) > SKEW) {
      this.#ahead = ahead;
      this.#leapt += Math.max(0, leap);
    }
    this.#now = Math.max(this.#now, monotonic + this.#leapt);
    return this.#now / 1000;
  }

  after(seconds: number, task: () => void): () => void {
    const timer = setTimeout(task, Math.min(seconds, LONGEST) * 1000);
    return () => clearTimeout(timer);
  }
}
