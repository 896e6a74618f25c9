/** What the panel and the page say in words: who is here, who ate how much, and what was eaten. */
import { element, find } from "/shared/element.js";

/** The same words again and again would only tire whoever has them read aloud. */
const SPOKEN_EVERY = 4000;

let spoken = 0;

/** The list of fish, the best fed first. What did not change stays as it is, for whoever has it read aloud. */
export function drawFish(fish) {
  const order = [...fish].sort((one, other) => other.score - one.score || one.name.localeCompare(other.name));
  const lines = order.map((each) => lineOf(each));
  const shown = find("fish").children;
  const same = lines.length === shown.length && lines.every((line, index) => line === shown[index]);
  if (!same) find("fish").replaceChildren(...lines);
}

function lineOf({ id, name, colour, score, away, own, place }) {
  const known = find("fish").querySelector(`[data-id="${id}"]`);
  const line =
    known ??
    element(
      "li",
      { data: { id, name, colour } },
      element("span", { class: "name" }, `${name} `, element("small")),
      element("span", { class: "score" }),
    );
  const said = { note: own ? "(you)" : away ? "dozes" : "", score: `${score}` };
  if (line.querySelector("small").textContent !== said.note) line.querySelector("small").textContent = said.note;
  if (line.querySelector(".score").textContent !== said.score) line.querySelector(".score").textContent = said.score;
  Object.assign(line.dataset, { score, away: away ? "yes" : "no", x: Math.round(place.x), y: Math.round(place.y) });
  return line;
}

export function drawScore(score) {
  document.body.dataset.score = score;
  find("score").textContent = score;
  find("score-unit").textContent = score === 1 ? "flake eaten" : "flakes eaten";
}

export function drawPonds(counts) {
  for (const [name, count] of Object.entries(counts)) find(`count-${name}`).textContent = count;
}

/** Have something read aloud. `often`: it may be left out. */
export function say(text, { often = false } = {}) {
  const now = performance.now();
  if (often && now - spoken < SPOKEN_EVERY) return;
  spoken = now;
  find("said").textContent = text;
}
