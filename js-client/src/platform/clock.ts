/** The time as a client needs it, and timers by it. */

export interface Clock {
  /** Seconds; it never goes back. */
  now(): number;

  /** Call `task` once after so many seconds, unless the returned function is called before. */
  after(seconds: number, task: () => void): () => void;
}

// A longer timer overflows and fires at once; who waits looks at the time anyway.
const LONGEST = 1e6;

/**
 * The later of wall and monotonic time: it goes on by whichever went further.
 *
 * The monotonic clock of some systems stands still in sleep, and the wall clock may be set back.
 */
export class SystemClock implements Clock {
  #wall = Date.now();
  #monotonic = performance.now();
  #now = this.#wall;

  now(): number {
    const wall = Date.now();
    const monotonic = performance.now();
    this.#now += Math.max(0, wall - this.#wall, monotonic - this.#monotonic);
    this.#wall = wall;
    this.#monotonic = monotonic;
    return this.#now / 1000;
  }

  after(seconds: number, task: () => void): () => void {
    const timer = setTimeout(task, Math.min(seconds, LONGEST) * 1000);
    return () => clearTimeout(timer);
  }
}
