/** One line to begin with: clients are shared by address, and made when first asked for. */
import { absolute, Client } from "./client.js";
import type { Namespace } from "./namespace.js";
import type { AnyHeard, AnySaid, ClientOptions, Events, NamespaceOptions } from "./types.js";

const clients = /* @__PURE__ */ new Map<string, Client>();

/**
 * Ask to be let into a namespace; everything said to one address goes through one client.
 *
 * `auth` is for the namespace, and like the other options for the client when it comes with the first namespace of an
 * address.
 */
export function connect<Heard extends Events<Heard> = AnyHeard, Said extends Events<Said> = AnySaid>(
  namespace = "/",
  options: ClientOptions & NamespaceOptions = {},
): Namespace<Heard, Said> {
  const url = absolute(options.url);
  let client = clients.get(url);
  if (!client || client.parting || client.state === "closed") {
    client = new Client(options);
    clients.set(url, client);
  }
  return client.namespace<Heard, Said>(namespace, options);
}
