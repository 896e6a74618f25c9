/** Chance that repeats itself: every page draws the same pond. */

/** A function that gives numbers from 0 to 1, the same ones for the same seed. */
export function dice(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
