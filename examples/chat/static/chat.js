/** The page's conversation with the server: what it says to antiphon, and what it does with what it hears. */
import { showConnection } from "/shared/connection.js";
import { find } from "/shared/element.js";
import { closePanels, preparePanels } from "/shared/panels.js";
import { forget, isOwn, refOf, remember, remembered, token } from "./identity.js";
import { drawPeople, drawRooms, drawTyping } from "./lists.js";
import { RoomLog } from "./log.js";
import { countTo } from "./numbers.js";
import { Panel } from "./panel.js";
import { lossText, showDoor, showHall, whyFailed } from "./shell.js";
import { Tally } from "./tally.js";

/* global antiphon -- the client, which the server serves. */

const HOME = "lobby";
const TYPING_EVERY = 2000;
const TYPING_SHOWN = 4000;

const body = document.body;
const tally = new Tally();
const panel = new Panel(tally);
/** The rooms that this page is in: { log, people, unread, next }. */
const rooms = new Map();
/** Until when somebody is shown as typing, by room and name. */
const typing = new Map();

let client = null;
let chat = null;
let me = null;
let listed = [];
let current = "";
let losses = 0;
let sent = 0;
let typedAt = 0;
let drawing = false;

// -- coming and going

function comeIn(name) {
  me = { name: name.normalize("NFKC").trim().replace(/\s+/g, " "), token };
  find("refusal").textContent = "";
  const anew = client === null || client.state === "closed";
  // Somebody sits before it and waits, so it tries every five seconds at least.
  if (anew) client = new antiphon.Client({ backoff: { ceiling: 5 } });
  // A function, because it is asked again whenever a session was lost, and after a refusal for another name.
  chat = client.namespace("/chat", { auth: () => me });
  if (anew) listen();
}

function listen() {
  chat.onConnect(() => {
    remember(me.name);
    showHall(me.name);
    const known = rooms.size ? [...rooms.keys()] : [HOME];
    for (const room of known) enter(room, { show: room === (current || HOME) });
  });
  chat.onRefused(({ reason }) => {
    forget();
    showDoor(reason);
  });
  chat.on("entered", entered);
  chat.on("said", said);
  chat.on("people", peopleChanged);
  chat.on("rooms", (views) => {
    listed = views;
    draw();
  });
  chat.on("typing", (room, name) => {
    typing.set(`${room}/${name}`, { room, name, until: Date.now() + TYPING_SHOWN });
    draw();
    setTimeout(draw, TYPING_SHOWN + 50);
  });

  const stateChanged = (change) => {
    showConnection({ ...change, again: tally.cuts > 0 || change.previous === "connected" });
    find("text").placeholder =
      change.state === "connected" ? "Say something, or /roll 2d6" : "Go on writing: it is kept, and sent later";
    panel.stateChanged(change);
  };
  client.onState(stateChanged);
  client.onLoss(lost);
  stateChanged({ state: client.state, previous: "closed", transport: client.transport, reason: "" });
}

async function goOut() {
  forget();
  await client.close();
  location.reload();
}

/** The session could not be kept: tell so, and what may not have arrived. The client begins a new one by itself. */
function lost({ reason, unconfirmed, unsent }) {
  losses += 1;
  Object.assign(body.dataset, { losses, lossReason: reason });
  find("count-losses").textContent = losses;
  tally.lose();
  for (const { log } of rooms.values()) log.note(lossText(reason), "loss");
  for (const { name, args, arrived } of [...unconfirmed, ...unsent]) {
    if (name !== "say") continue;
    const [{ room, ref }] = args;
    tally.settle(ref);
    rooms.get(room)?.log.fail(ref, whyFailed(arrived));
  }
  panel.draw();
}

// -- rooms

async function enter(name, { show = true } = {}) {
  try {
    const room = await chat.call("enter", name);
    if (show) open(room);
  } catch (error) {
    remark(`The room ${name} did not open: ${error.message}`);
  }
}

function entered({ name, people, history, next }) {
  const known = rooms.get(name);
  const room = known ?? { log: new RoomLog(name, (draft) => say(name, draft.text, draft.number)), unread: 0, next: 0 };
  if (known === undefined) {
    rooms.set(name, room);
    find("logs").append(room.log.element);
    room.log.onScroll = draw;
  }
  for (const message of history) {
    // After a lost session this is how the page learns what was said meanwhile.
    if (message.id < room.next) continue;
    tally.settle(message.ref);
    room.log.add(message, { own: isOwn(message) });
  }
  Object.assign(room, { people, next });
  tally.begin(name, next);
  draw();
}

function open(name) {
  const room = rooms.get(name);
  if (room === undefined) return;
  current = body.dataset.room = name;
  for (const { log } of rooms.values()) log.element.hidden = log !== room.log;
  room.unread = 0;
  room.log.scrollToEnd();
  closePanels();
  draw();
  // On a phone that would open the keyboard over the room.
  if (matchMedia("(pointer: fine)").matches) find("text").focus();
}

function leaveRoom(name) {
  chat.emit("leave", name);
  rooms.get(name).log.element.remove();
  rooms.delete(name);
  if (name === current) open(HOME);
  draw();
}

function peopleChanged(name, people) {
  const room = rooms.get(name);
  if (room === undefined) return;
  for (const person of people) if (!room.people.includes(person)) room.log.note(`${person} came in`);
  for (const person of room.people) if (!people.includes(person)) room.log.note(`${person} left`);
  room.people = people;
  draw();
}

// -- what is said

function say(room, text, number = 0) {
  const draft = { room, text, ref: refOf(++sent), number };
  const { log } = rooms.get(room);
  log.wait(draft);
  try {
    chat.emit("say", draft);
    tally.send(draft.ref);
  } catch (error) {
    // Too much waits already, or the client is closed for good.
    log.fail(draft.ref, `Not sent: ${error.message}`);
  }
  panel.draw();
}

function said(name, message) {
  const room = rooms.get(name);
  if (room === undefined) return;
  const late = tally.receive(name, message, Date.now());
  room.next = message.id + 1;
  typing.delete(`${name}/${message.author}`);
  room.log.add(message, { own: isOwn(message), late });
  if (name !== current || document.hidden || !room.log.atEnd) room.unread += 1;
  draw();
}

function sendNumbers(room, to, rate) {
  countTo(to, rate, (number) => rooms.has(room) && say(room, `${number} of ${to}`, number));
}

async function roll(dice) {
  const began = performance.now();
  try {
    const thrown = await chat.call("roll", current, dice);
    remark(`Your call was answered after ${Math.round(performance.now() - began)} ms: ${thrown.join(", ")}`);
  } catch (error) {
    remark(error.message);
  }
}

function submit(text) {
  const [command, argument] = text.split(/\s+/);
  if (command === "/roll") roll(argument ?? "1d6");
  else if (command.startsWith("/")) remark("There is /roll 2d6: a call, which the server answers.");
  else say(current, text);
}

function remark(text) {
  rooms.get(current)?.log.note(text, "remark");
}

// -- what is seen

/** Draw the lists, once per frame. */
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    drawAll();
  });
}

function drawAll() {
  const room = rooms.get(current);
  if (room?.log.atEnd && !document.hidden) room.unread = 0;
  const people = new Map(listed.map((view) => [view.name, view.people]));
  const views = [...new Set([...people.keys(), ...rooms.keys()])].map((name) => [
    name,
    {
      people: people.get(name) ?? 0,
      unread: rooms.get(name)?.unread ?? 0,
      open: rooms.has(name),
      here: name === current,
      closable: rooms.has(name) && name !== HOME,
    },
  ]);
  const unread = drawRooms(new Map(views), {
    onOpen: (name) => (rooms.has(name) ? open(name) : enter(name)),
    onLeave: leaveRoom,
  });
  document.title = `${unread ? `(${unread}) ` : ""}${current || "Chat"} · antiphon`;

  const now = Date.now();
  for (const [key, { until }] of typing) if (until <= now) typing.delete(key);
  drawTyping([...typing.values()].filter((entry) => entry.room === current).map(({ name }) => name));
  panel.draw();
  if (room === undefined) return;
  find("room-title").textContent = current;
  drawPeople(room.people, me.name);
  find("to-end").hidden = room.log.atEnd;
  find("to-end").textContent = room.unread ? `↓ ${room.unread} new` : "↓ Newest";
}

// -- what is done

find("login").addEventListener("submit", (event) => {
  event.preventDefault();
  comeIn(find("name").value);
});
find("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = find("text").value.trim();
  if (text && rooms.has(current)) submit(text);
  find("text").value = "";
  typedAt = 0;
});
find("text").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  find("composer").requestSubmit();
});
find("text").addEventListener("input", () => {
  if (Date.now() - typedAt < TYPING_EVERY || !chat?.connected) return;
  typedAt = Date.now();
  // Who was typing a moment ago is of no interest: it may be lost.
  chat.with({ volatile: true }).emit("typing", current);
});
find("new-room").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(find("room-name").value);
  find("room-name").value = "";
});
find("numbers").addEventListener("submit", (event) => {
  event.preventDefault();
  const [to, rate] = [find("numbers-count").valueAsNumber, find("numbers-rate").valueAsNumber];
  if (event.submitter?.value === "server") chat.emit("count", { room: current, to, rate });
  else sendNumbers(current, to, rate);
});
find("to-end").addEventListener("click", () => rooms.get(current)?.log.scrollToEnd());
find("leave").addEventListener("click", goOut);
find("reconnect").addEventListener("click", () => comeIn(me.name));
document.addEventListener("visibilitychange", draw);

preparePanels();
if (remembered() === null) showDoor("");
else comeIn(remembered());
