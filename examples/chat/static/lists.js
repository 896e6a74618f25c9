/** The lists beside the talk: rooms, people, and who is typing. Drawn anew from values whenever one of them changes. */
import { avatar, element, find } from "/shared/element.js";

/** `rooms` by name: { people, unread, open, here, closable }; `onOpen(name)` and `onLeave(name)` are what a click does. */
export function drawRooms(rooms, { onOpen, onLeave }) {
  const focused = document.activeElement?.closest?.("#room-list li")?.dataset.room;
  const items = [...rooms].map(([name, { people, unread, open, here, closable }]) =>
    element(
      "li",
      { class: `room ${here ? "here" : ""} ${open ? "open" : ""}`, data: { room: name, unread } },
      element(
        "button",
        { type: "button", class: "enter", "aria-current": here && "true", onclick: () => onOpen(name) },
        element("span", { class: "name" }, name),
        unread > 0 && element("span", { class: "badge", "aria-label": `${unread} unread` }, String(unread)),
        element("span", { class: "count", title: "people here" }, String(people)),
      ),
      closable &&
        element(
          "button",
          { type: "button", class: "close", "aria-label": `Leave ${name}`, onclick: () => onLeave(name) },
          "×",
        ),
    ),
  );
  find("room-list").replaceChildren(...items);
  // A list that is drawn anew must not take the focus from somebody with a keyboard.
  if (focused !== undefined) items.find(({ dataset }) => dataset.room === focused)?.firstElementChild.focus();

  const unread = [...rooms.values()].reduce((sum, room) => sum + room.unread, 0);
  const badge = find("unread-total");
  badge.hidden = unread === 0;
  badge.textContent = unread;
  return unread;
}

export function drawPeople(people, me) {
  find("room-people").textContent = people.length === 1 ? "Only you are here" : `${people.length} people are here`;
  find("people").replaceChildren(
    ...people.map((name) =>
      element(
        "li",
        { data: { person: name } },
        avatar(name),
        element("span", { class: "name" }, name),
        name === me && element("small", {}, "you"),
      ),
    ),
  );
}

export function drawTyping(names) {
  find("typing").textContent = names.length ? `${names.join(", ")} ${names.length === 1 ? "is" : "are"} typing…` : "";
}
