/** The page's conversation with the server: each event is said in the way it deserves. */
import { showConnection } from "/shared/connection.js";
import { find } from "/shared/element.js";
import { preparePanels } from "/shared/panels.js";
import { drawFish, drawPonds, drawScore, say } from "./panel.js";
import { PulseReader } from "./pulse.js";
import { Scene } from "./scene.js";
import { Steering } from "./steering.js";

/* global antiphon -- the client, which the server serves. */
/* global network -- made by network.js, which is loaded first. */

const SWIM_EVERY = 50;
const LIST_EVERY = 250;
const BRIEFLY = 3000;

const body = document.body;
const scene = new Scene(find("water"));
const steering = new Steering(find("water"), scene, ripple);
const pulse = new PulseReader();

let client = null;
let pond = null;
/** Who we are, for the server, and in which pond. */
let visitor = null;
let place = "lily";
let losses = 0;
let connectedBefore = false;
let told = { x: -1, y: -1, at: 0 };

// -- coming and going

function comeIn(name, colour) {
  visitor = { name, colour };
  const anew = client === null || client.state === "closed";
  if (anew) client = new antiphon.Client({ backoff: { ceiling: 5 } });
  // A function, because it is asked again whenever a session was lost, and after a refusal for another name.
  pond = client.namespace("/pond", { auth: () => visitor });
  if (anew) listen();
}

function listen() {
  pond.onConnect(() => {
    // After a lost session, too: then we come back into the pond we were in.
    pond.emit("enter", place);
    pulse.begin(pond);
  });
  pond.onRefused(({ reason }) => {
    sessionStorage.removeItem("visitor");
    showDoor(reason);
  });

  pond.on("entered", entered);
  pond.on("came", (fish) => {
    scene.came(fish);
    say(`${fish.name} came`);
  });
  pond.on("left", (id) => {
    say(`${scene.fish.get(id)?.name ?? "Somebody"} left`);
    scene.left(id);
  });
  pond.on("away", (id, away) => scene.away(id, away));
  pond.on("swim", (id, x, y) => scene.swim(id, x, y));
  pond.on("ripple", (x, y) => scene.ripple(x, y));
  pond.on("flake", (flake) => scene.fall(flake));
  pond.on("eaten", eaten);
  pond.on("ponds", drawPonds);

  client.onState(stateChanged);
  client.onLoss(({ reason }) => {
    losses += 1;
    Object.assign(body.dataset, { losses, lossReason: reason });
  });
  stateChanged({ state: client.state, previous: "closed", transport: client.transport, reason: "" });
}

function stateChanged(change) {
  showConnection({ ...change, again: connectedBefore });
  connectedBefore ||= change.state === "connected";
  find("cut-hint").textContent =
    change.state === "connected"
      ? "The others see your fish doze, and when you are back, where it swam to."
      : "Swim on: of your places the newest is kept. A ripple is lost. What is eaten comes later.";
}

function entered({ name, fish, flakes }) {
  place = body.dataset.pond = name;
  sessionStorage.setItem("visitor", JSON.stringify({ ...visitor, place }));
  find("ponds").querySelector(`[value="${name}"]`).checked = true;
  showHall();
  steering.rest();
  scene.enter(name, fish, flakes, pond.id);
  drawScore(scene.own.score);
  say(`You are in the ${name} pond, with ${fish.length - 1} other fish and ${flakes.length} flakes`);
}

function eaten(flake, id, score) {
  scene.eat(flake, id, score);
  if (id !== pond.id) return;
  drawScore(score);
  say(`${score} flakes eaten`, { often: true });
}

// -- what we do

function ripple(x, y) {
  scene.ripple(x, y);
  // Late it would be worth nothing, so it may be lost.
  if (client.state !== "closed") pond.with({ volatile: true }).emit("ripple", x, y);
}

scene.onFrame = () => {
  steering.steer();
  const now = performance.now();
  const [x, y] = [Math.round(scene.own.place.x), Math.round(scene.own.place.y)];
  if (now - told.at < SWIM_EVERY || (x === told.x && y === told.y) || client.state === "closed") return;
  told = { x, y, at: now };
  // However long a cut is: one place waits, and it is the newest.
  pond.with({ latest: "me" }).emit("swim", x, y);
};

find("ponds").addEventListener("change", ({ target }) => {
  pond.emit("enter", target.value);
  find("water").focus();
});

// -- what is seen around the water

setInterval(() => {
  if (scene.own === null || document.hidden) return;
  drawFish(scene.fish.values());
  const { place } = scene.own;
  const distance = ({ x, y }) => Math.hypot(x - place.x, y - place.y);
  const [nearest] = [...scene.flakes.values()].sort((one, other) => distance(one) - distance(other));
  const point = nearest && scene.pointOver(nearest);
  Object.assign(find("water").dataset, {
    flakes: scene.flakes.size,
    flake: point ? `${Math.round(point.x)} ${Math.round(point.y)}` : "",
  });
}, LIST_EVERY);

function showDoor(reason) {
  find("hall").hidden = true;
  find("door").hidden = false;
  find("refusal").textContent = reason;
  find("name").focus();
}

function showHall() {
  if (!find("hall").hidden) return;
  find("door").hidden = true;
  find("hall").hidden = false;
  find("water").focus();
}

function remembered() {
  return JSON.parse(sessionStorage.getItem("visitor"));
}

find("login").addEventListener("submit", (event) => {
  event.preventDefault();
  find("refusal").textContent = "";
  const choice = new FormData(find("login"));
  comeIn(choice.get("name"), choice.get("colour"));
});
find("reconnect").addEventListener("click", () => comeIn(visitor.name, visitor.colour));
find("cut").addEventListener("click", () => {
  network.set("cut");
  setTimeout(() => network.set("ok"), BRIEFLY);
});
network.watch({
  changed: (mode) => {
    body.dataset.network = mode;
    find("cut").disabled = mode !== "ok";
  },
});

preparePanels();
const colours = [...find("colours").querySelectorAll("input")];
colours[Math.floor(Math.random() * colours.length)].checked = true;
const known = remembered();
if (known === null) showDoor("");
else {
  place = known.place;
  comeIn(known.name, known.colour);
}
