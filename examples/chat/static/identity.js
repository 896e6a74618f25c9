/** Who this tab is: kept as long as the tab, so that a reload keeps the name. */

/** Marks the messages of this tab among all others; everybody in a room sees it. */
const tabId = kept("tab");

/** What proves to the server that a name that comes back is the same tab; nobody else sees it. */
export const token = kept("token");

const pageId = `${tabId}.${Date.now().toString(36)}`;

/** What a message is known by when it comes back. */
export const refOf = (count) => `${pageId}-${count}`;

/** Whether a message came from this tab, before a reload too. */
export const isOwn = ({ ref }) => ref.startsWith(`${tabId}.`);

export const remembered = () => sessionStorage.getItem("name");
export const remember = (name) => sessionStorage.setItem("name", name);
export const forget = () => sessionStorage.removeItem("name");

function kept(what) {
  const word = sessionStorage.getItem(what) ?? randomWord();
  sessionStorage.setItem(what, word);
  return word;
}

function randomWord() {
  // Not randomUUID: a page from another machine without TLS does not have it.
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
