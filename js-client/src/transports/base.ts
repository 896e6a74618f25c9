/** What a transport tells whoever opened it. After its port was closed it tells nothing more. */
import type { Data } from "../protocol/codec.js";

export interface Ear {
  opened(): void;
  received(message: Data): void;
  /** It takes messages again. */
  drained(): void;
  /** It ended by itself, or was closed by the peer with `code` and `reason`. */
  lost(code: number, reason: string): void;
}
