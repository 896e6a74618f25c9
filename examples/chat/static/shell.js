/** What is around the talk: the door, and the words for what was lost. */
import { avatar, find } from "/shared/element.js";

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

export function lossText(reason) {
  return `${LOSSES[reason] ?? "The session was lost"} (${reason}).`;
}

/** What is known of a message whose session was lost; `arrived` is undefined when it had not even been sent. */
export function whyFailed(arrived) {
  if (arrived === undefined) return "Not sent.";
  if (arrived === null) return "Perhaps it did not arrive.";
  return arrived ? "It arrived, but did not come back." : "It did not arrive.";
}
