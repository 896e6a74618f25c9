/** What is around the talk: the door, the connection, and the panels that open over it on a small screen. */
import { avatar, find } from "./element.js";

const TRANSPORTS = { websocket: "WebSocket", longpoll: "long-polling" };

const LOSSES = {
  server_restart: "The server was started anew",
  expired: "The connection was gone for too long",
  overflow: "Too much waited for this page",
};

export function showDoor(reason) {
  find("hall").hidden = true;
  find("door").hidden = false;
  find("refusal").textContent = reason;
  find("name").focus();
  find("name").select();
}

export function showHall(name) {
  find("door").hidden = true;
  find("hall").hidden = false;
  find("me").replaceChildren(avatar(name), name);
}

export function showConnection({ state, transport, reason, again }) {
  Object.assign(document.body.dataset, { state, transport: transport ?? "" });
  find("connection-text").textContent = {
    connected: `Connected · ${TRANSPORTS[transport]}`,
    connecting: again ? "Connecting again…" : "Connecting…",
    waiting: "No connection · trying again",
    closed: reason ? `Closed · ${reason}` : "Not connected",
  }[state];
  find("reconnect").hidden = state !== "closed" || !again;
  find("text").placeholder =
    state === "connected" ? "Say something, or /roll 2d6" : "Go on writing: it is kept, and sent later";
}

export function lossText(reason) {
  return `${LOSSES[reason] ?? "The session was lost"} (${reason}).`;
}

/** What is known of a message whose session was lost; `arrived` is undefined when it had not even been sent. */
export function whyFailed(arrived) {
  if (arrived === undefined) return "Not sent.";
  if (arrived === null) return "Perhaps it did not arrive.";
  return arrived ? "It arrived, but did not come back." : "It did not arrive.";
}

/** Let the buttons of a small screen open their panels. */
export function preparePanels() {
  for (const name of ["rooms", "side"]) {
    const button = find(`toggle-${name}`);
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      closePanels();
      if (!open) return;
      button.setAttribute("aria-expanded", "true");
      document.body.classList.add(`show-${name}`);
    });
  }
  find("shade").addEventListener("click", closePanels);
  document.addEventListener("keydown", ({ key }) => key === "Escape" && closePanels());
}

export function closePanels() {
  for (const name of ["rooms", "side"]) {
    find(`toggle-${name}`).setAttribute("aria-expanded", "false");
    document.body.classList.remove(`show-${name}`);
  }
}
