/** What a client, or a namespace of it, proves itself with. */
import type { Auth } from "./types.js";

/** Credentials; functions are asked for new ones every time. */
export async function fresh(auth: Auth): Promise<unknown> {
  return typeof auth === "function" ? auth() : auth;
}
