/**
 * Why things end: reasons a session ends with, and codes a transport is closed with.
 *
 * Only a session's Close ends a session; the end of a transport never does (contract rule 26).
 */

/** Why a session ended. `retryAfter` in seconds says when a new session is welcome; null: not by itself. */
export interface Ending {
  readonly code: string;
  readonly reason: string;
  readonly retryAfter: number | null;
}

/** Why the transport is to be closed: gap, silent, slow, or what its session ended with. */
export type Closing = string;

/** The WebSocket's close code for "a newer attach took over"; the reason is its attempt. */
export const FENCED = 4003;
