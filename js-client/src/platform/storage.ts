/** What worked on the last visit. */

/** Which transport worked for an address, as far as that is known; with `transport` that is it from now on. */
export type Remember = (url: string, transport?: string) => string | undefined;

/** By the page. Where that cannot be (a worker, Node, a browser that was told so) nothing is known. */
export const pageRemembers: Remember = (url, transport) => {
  const name = `antiphon ${url}`;
  try {
    if (transport) localStorage[name] = transport;
    return localStorage[name];
  } catch {
    return undefined;
  }
};
