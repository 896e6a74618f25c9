// How the pages of the Socket.IO tests come in: options of its client, by the name that tests have for them.

export const WAYS = {
  polling: { transports: ["polling"] },
  websocket: { transports: ["websocket"] },
  "polling with an upgrade": { transports: ["polling", "websocket"] },
};
