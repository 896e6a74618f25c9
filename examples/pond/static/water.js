/** The water of one pond: its ground, the light that plays on it, and what lies on the surface. */
import { caustics } from "./caustics.js";
import { dice } from "./dice.js";
import { paletteOf } from "./palette.js";

const SHORE = 130;
/** The side of the picture of some leaves. */
const PADS = 280;
const LIGHT_EVERY = 0.06;
/** How large the net of light is, how fast it moves, and how strong it is. */
const LIGHTS = [
  [1.5, 7, 0.2],
  [2.3, -5, 0.16],
];

/** Pictures are made once per pond and palette, in units of the pond times `scale`; a frame only puts them together. */
export class WaterPicture {
  #size;
  #ground;
  #pads;
  #tile;
  /** The ground with the light of a moment ago: it moves so slowly that not every frame needs it anew. */
  #lit;
  #litAt = 0;

  constructor(pond, size, scale) {
    this.palette = paletteOf(pond);
    this.#size = size;
    const some = dice(pond === "lily" ? 11 : 29);
    this.#ground = picture(size, scale, (pen) => {
      paintGround(pen, size, this.palette);
      paintPebbles(pen, size, this.palette, some, pond === "stone" ? 46 : 12);
    });
    this.#lit = picture(size, scale, () => {});
    this.#tile = caustics(this.palette.light);
    this.#shine(0, { x: 0, y: 0, ...size });
    this.#pads = places(size, some, pond === "lily" ? 9 : 3).map(({ x, y }, index) => ({
      x: x - PADS / 2,
      y: y - PADS / 2,
      picture: picture({ width: PADS, height: PADS }, scale, (pen) => {
        paintPads(pen, PADS / 2, PADS / 2, this.palette, some);
        if (index % 2 === 0) paintFlower(pen, PADS / 2 + 8, PADS / 2 - 6, this.palette);
      }),
    }));
  }

  /** Below the fish; `seconds` moves the light, which only the part that is `seen` needs. */
  drawGround(pen, seconds, seen) {
    const { width, height } = this.#size;
    if (Math.abs(seconds - this.#litAt) > LIGHT_EVERY) {
      this.#litAt = seconds;
      this.#shine(seconds, seen);
    }
    pen.drawImage(this.#lit, 0, 0, width, height);
  }

  /** Above the fish. */
  drawSurface(pen, seconds) {
    this.#pads.forEach(({ x, y, picture }, index) => {
      const [swayX, swayY] = [Math.sin(seconds / 3 + index) * 2.5, Math.cos(seconds / 4 + index * 2) * 2.5];
      pen.drawImage(picture, x + swayX, y + swayY, PADS, PADS);
    });
  }

  #shine(seconds, { x, y, width, height }) {
    const pen = this.#lit.getContext("2d");
    pen.save();
    pen.beginPath();
    pen.rect(x, y, width, height);
    pen.clip();
    pen.drawImage(this.#ground, 0, 0, this.#size.width, this.#size.height);
    for (const [stretch, speed, strength] of LIGHTS) {
      const light = pen.createPattern(this.#tile, "repeat");
      light.setTransform(
        new DOMMatrix().translate(seconds * speed, Math.sin(seconds / 9) * 30 + seconds * 3).scale(stretch),
      );
      pen.globalAlpha = this.palette.night ? strength * 0.45 : strength;
      pen.fillStyle = light;
      pen.fillRect(x, y, width, height);
    }
    pen.restore();
  }
}

function picture({ width, height }, scale, paint) {
  const canvas = new OffscreenCanvas(Math.ceil(width * scale), Math.ceil(height * scale));
  const pen = canvas.getContext("2d");
  pen.scale(scale, scale);
  paint(pen);
  return canvas;
}

function paintGround(pen, { width, height }, { shallow, deep, bed }) {
  pen.fillStyle = deep;
  pen.fillRect(0, 0, width, height);
  const depth = pen.createRadialGradient(width * 0.42, height * 0.36, 60, width * 0.5, height * 0.5, width * 0.66);
  depth.addColorStop(0, shallow);
  depth.addColorStop(1, deep);
  pen.fillStyle = depth;
  pen.fillRect(0, 0, width, height);
  // The shore, which falls away softly.
  for (const [fromX, fromY, toX, toY] of [
    [0, 0, SHORE, 0],
    [width, 0, width - SHORE, 0],
    [0, 0, 0, SHORE],
    [0, height, 0, height - SHORE],
  ]) {
    const slope = pen.createLinearGradient(fromX, fromY, toX, toY);
    slope.addColorStop(0, `${bed}b0`);
    slope.addColorStop(0.35, `${bed}48`);
    slope.addColorStop(1, `${bed}00`);
    pen.fillStyle = slope;
    pen.fillRect(0, 0, width, height);
  }
}

function paintPebbles(pen, { width, height }, { pebble, shadow }, some, count) {
  for (let index = 0; index < count; index += 1) {
    // They lie near the shore, so that the middle is free.
    const [along, inward] = [some(), some() ** 2 * 0.32];
    const side = index % 4;
    const x = (side === 0 ? inward : side === 1 ? 1 - inward : along) * width;
    const y = (side === 2 ? inward : side === 3 ? 1 - inward : along) * height;
    const [long, wide, turn] = [14 + some() * 30, 0.6 + some() * 0.25, some() * Math.PI];
    pen.globalAlpha = 0.16;
    pen.fillStyle = shadow;
    oval(pen, x + 4, y + 6, long, long * wide, turn);
    pen.globalAlpha = 0.62;
    pen.fillStyle = pebble[Math.floor(some() * pebble.length)];
    oval(pen, x, y, long, long * wide, turn);
    pen.globalAlpha = 0.12;
    pen.fillStyle = "#ffffff";
    oval(pen, x - long * 0.2, y - long * 0.2, long * 0.5, long * wide * 0.4, turn);
  }
  pen.globalAlpha = 1;
}

/** Some leaves together. */
function paintPads(pen, x, y, palette, some) {
  const leaves = 2 + Math.floor(some() * 3);
  for (let index = 0; index < leaves; index += 1) {
    const [angle, away] = [some() * Math.PI * 2, index === 0 ? 0 : 44 + some() * 22];
    paintLeaf(
      pen,
      x + Math.cos(angle) * away,
      y + Math.sin(angle) * away,
      24 + some() * 20,
      some() * Math.PI * 2,
      palette,
    );
  }
}

function paintLeaf(pen, x, y, radius, turn, { leaf, vein, shadow, night }) {
  const outline = (atX, atY) => {
    pen.beginPath();
    pen.moveTo(atX, atY);
    pen.arc(atX, atY, radius, turn + 0.22, turn + Math.PI * 2 - 0.22);
    pen.closePath();
  };
  pen.globalAlpha = night ? 0.4 : 0.14;
  pen.fillStyle = shadow;
  outline(x + 10, y + 16);
  pen.fill();
  pen.globalAlpha = 0.96;
  pen.fillStyle = leaf;
  outline(x, y);
  pen.fill();
  pen.strokeStyle = vein;
  pen.lineWidth = 1.4;
  pen.stroke();
  pen.globalAlpha = 0.6;
  pen.beginPath();
  for (let spoke = 1; spoke < 9; spoke += 1) {
    const angle = turn + (spoke / 9) * Math.PI * 2;
    pen.moveTo(x, y);
    pen.lineTo(x + Math.cos(angle) * radius * 0.82, y + Math.sin(angle) * radius * 0.82);
  }
  pen.stroke();
  pen.globalAlpha = 1;
}

function paintFlower(pen, x, y, { petal, heart }) {
  pen.fillStyle = petal;
  pen.strokeStyle = "#0000001c";
  pen.lineWidth = 0.8;
  for (const [count, length] of [
    [8, 19],
    [6, 12],
  ]) {
    for (let index = 0; index < count; index += 1) {
      pen.save();
      pen.translate(x, y);
      pen.rotate((index / count) * Math.PI * 2 + length);
      pen.beginPath();
      pen.ellipse(length * 0.55, 0, length * 0.55, length * 0.26, 0, 0, Math.PI * 2);
      pen.fill();
      pen.stroke();
      pen.restore();
    }
  }
  pen.fillStyle = heart;
  oval(pen, x, y, 4, 4, 0);
}

function oval(pen, x, y, long, wide, turn) {
  pen.beginPath();
  pen.ellipse(x, y, long, wide, turn, 0, Math.PI * 2);
  pen.fill();
}

/** Places that keep a distance from each other and from the middle. */
function places({ width, height }, some, count) {
  const found = [];
  for (let tries = 0; tries < 400 && found.length < count; tries += 1) {
    const place = { x: 70 + some() * (width - 140), y: 70 + some() * (height - 140) };
    const middle = Math.hypot(place.x - width / 2, place.y - height / 2) > 240;
    if (middle && found.every((other) => Math.hypot(place.x - other.x, place.y - other.y) > 190)) found.push(place);
  }
  return found;
}
