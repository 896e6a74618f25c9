/** The small things: flakes, rings on the water, names, and where those are who are out of sight. */
import { skinOf } from "./palette.js";

const RING_LASTS = 2200;
const SMALL_RING_LASTS = 900;
const MEAL_LASTS = 1000;
const FALL_LASTS = 450;
const EDGE = 16;

export function drawFlakes(pen, flakes, { flake, crust, shadow }, now, seconds) {
  for (const { id, x, y, fell } of flakes) {
    const landed = Math.min(1, (now - fell) / FALL_LASTS);
    const size = 1 + (1 - landed) * 1.6;
    const bob = Math.sin(seconds * 1.6 + id) * 1.5;
    pen.save();
    pen.globalAlpha = 0.16 * landed;
    pen.fillStyle = shadow;
    scrap(pen, x + 6, y + 10, 6.5, id);
    pen.globalAlpha = landed;
    pen.fillStyle = flake;
    scrap(pen, x, y + bob, 6.5 * size, id);
    pen.fillStyle = crust;
    scrap(pen, x - 0.8, y + bob - 1, 4.6 * size, id);
    pen.restore();
  }
}

function scrap(pen, x, y, radius, id) {
  pen.beginPath();
  for (let corner = 0; corner < 7; corner += 1) {
    const angle = (corner / 7) * Math.PI * 2 + id;
    const reach = radius * (0.82 + 0.3 * Math.abs(Math.sin(id * 3 + corner * 2)));
    pen.lineTo(x + Math.cos(angle) * reach, y + Math.sin(angle) * reach);
  }
  pen.closePath();
  pen.fill();
}

/** Returns those that are not over. */
export function drawEffects(pen, effects, { ring, ink, halo }, now) {
  const lasting = effects.filter(({ kind, small, began }) => {
    const lasts = kind === "meal" ? MEAL_LASTS : small ? SMALL_RING_LASTS : RING_LASTS;
    return now - began < lasts;
  });
  pen.save();
  for (const { kind, small, own, x, y, began } of lasting) {
    if (kind === "ring") drawRings(pen, ring, x, y, (now - began) / (small ? SMALL_RING_LASTS : RING_LASTS), small);
    else {
      const share = (now - began) / MEAL_LASTS;
      drawRings(pen, ring, x, y, share, true);
      if (!own) continue;
      pen.globalAlpha = 1 - share;
      pen.font = "700 20px system-ui, sans-serif";
      pen.textAlign = "center";
      label(pen, "+1", x, y - 22 - share * 26, ink, halo);
    }
  }
  pen.restore();
  return lasting;
}

function drawRings(pen, colour, x, y, share, small) {
  pen.strokeStyle = colour;
  for (let wave = 0; wave < (small ? 1 : 3); wave += 1) {
    const grown = share * 1.25 - wave * 0.16;
    if (grown <= 0 || grown >= 1) continue;
    pen.globalAlpha = (1 - grown) ** 1.6 * (small ? 0.5 : 0.75);
    pen.lineWidth = 1 + (1 - grown) * 2.4;
    pen.beginPath();
    pen.arc(x, y, 4 + Math.sqrt(grown) * (small ? 30 : 150), 0, Math.PI * 2);
    pen.stroke();
  }
}

/** `view`: what of the pond is in the window, in its pixels. */
export function drawNames(pen, fish, { ink, halo }, view) {
  pen.textAlign = "center";
  for (const { name, own, away, shape } of fish) {
    const { x, y } = onPage({ x: shape.middle.x, y: shape.lowest }, view);
    pen.font = `${own ? 650 : 450} 13px system-ui, sans-serif`;
    pen.globalAlpha = away ? 0.65 : 1;
    label(pen, away ? `${name} dozes` : name, x, y + 16, ink, halo);
  }
  pen.globalAlpha = 1;
}

/** A drop of its colour at the edge, for every fish that is out of sight. */
export function drawEdgeMarks(pen, fish, view) {
  for (const { colour, shape } of fish) {
    const { x, y } = onPage(shape.middle, view);
    if (x > -EDGE && y > -EDGE && x < view.width + EDGE && y < view.height + EDGE) continue;
    const [markX, markY] = [
      Math.min(Math.max(x, EDGE), view.width - EDGE),
      Math.min(Math.max(y, EDGE), view.height - EDGE),
    ];
    pen.save();
    pen.translate(markX, markY);
    pen.rotate(Math.atan2(y - markY, x - markX));
    pen.beginPath();
    pen.moveTo(10, 0);
    pen.quadraticCurveTo(0, -9, -5, -5);
    pen.quadraticCurveTo(-9, 0, -5, 5);
    pen.quadraticCurveTo(0, 9, 10, 0);
    pen.fillStyle = skinOf(colour).skin;
    pen.strokeStyle = "#ffffffb0";
    pen.lineWidth = 1.5;
    pen.fill();
    pen.stroke();
    pen.restore();
  }
}

function onPage({ x, y }, { x: middleX, y: middleY, scale, width, height }) {
  return { x: width / 2 + (x - middleX) * scale, y: height / 2 + (y - middleY) * scale };
}

function label(pen, text, x, y, ink, halo) {
  pen.lineWidth = 3.5;
  pen.lineJoin = "round";
  pen.strokeStyle = halo;
  pen.strokeText(text, x, y);
  pen.fillStyle = ink;
  pen.fillText(text, x, y);
}
