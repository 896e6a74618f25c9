/** The connection as the bar shows it, and as `<body data-state data-transport>` for a program. */
import { find } from "./element.js";

const TRANSPORTS = { websocket: "WebSocket", sse: "event stream", longpoll: "long-polling" };

/** `again`: it was connected before. */
export function showConnection({ state, transport, reason, again }) {
  Object.assign(document.body.dataset, { state, transport: transport ?? "" });
  find("connection-text").textContent = {
    connected: `Connected · ${TRANSPORTS[transport] ?? transport}`,
    connecting: again ? "Connecting again…" : "Connecting…",
    waiting: "No connection · trying again",
    closed: reason ? `Closed · ${reason}` : "Not connected",
  }[state];
  find("reconnect").hidden = state !== "closed" || !again;
}
