/** A point in time that does not come. */
export const NEVER = 1 / 0;
