/** What is seen of a pond: everybody and everything in it, sixty times per second. */
import { FishShape } from "./fish.js";
import { Swimmer, Track, clamp } from "./motion.js";
import { darkness } from "./palette.js";
import { drawEdgeMarks, drawEffects, drawFlakes, drawNames } from "./sights.js";
import { WaterPicture } from "./water.js";

/** A pond is so large, in units of its own, as the server has it. */
export const SIZE = { width: 1200, height: 900 };
/** Sharper than this nobody sees, and every pixel costs time. */
const SHARPEST = 2;
const LONGEST_FRAME = 0.05;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

export class Scene {
  /** By id: { ...what the server told, motion, shape, place }. */
  fish = new Map();
  flakes = new Map();
  /** Called before every frame, with the seconds since the last one. */
  onFrame = () => {};
  #canvas;
  #pen;
  #pond = null;
  #own = null;
  #effects = [];
  #water = null;
  #camera = { x: SIZE.width / 2, y: SIZE.height / 2, scale: 1, sharpness: 1 };
  #drawn = 0;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext("2d", { alpha: false });
    new ResizeObserver(() => this.#resize()).observe(canvas);
    darkness.addEventListener("change", () => this.#resize());
    requestAnimationFrame((now) => this.#frame(now));
  }

  /** The fish of this page; null until it is in a pond. */
  get own() {
    return this.#own;
  }

  // -- what happens

  enter(pond, fish, flakes, own) {
    const now = performance.now();
    this.#pond = pond;
    this.fish.clear();
    for (const each of fish) this.came(each, each.id === own);
    this.#own = this.fish.get(own);
    this.flakes = new Map(flakes.map((flake) => [flake.id, { ...flake, fell: now - 5000 }]));
    this.#effects = [];
    Object.assign(this.#camera, this.#own.place);
    this.#resize();
  }

  came(fish, own = false) {
    const { id, x, y } = fish;
    const motion = own ? new Swimmer(x, y, SIZE) : new Track(x, y, performance.now());
    this.fish.set(id, { ...fish, own, motion, shape: new FishShape(fish, { x, y }), place: { x, y } });
  }

  left(id) {
    this.fish.delete(id);
  }

  swim(id, x, y) {
    this.fish.get(id)?.motion.receive(x, y, performance.now());
  }

  away(id, away) {
    const fish = this.fish.get(id);
    if (fish) fish.away = away;
  }

  fall(flake) {
    this.flakes.set(flake.id, { ...flake, fell: performance.now() });
    this.#show({ kind: "ring", small: true, x: flake.x, y: flake.y });
  }

  eat(flakeId, id, score) {
    const [fish, flake] = [this.fish.get(id), this.flakes.get(flakeId)];
    this.flakes.delete(flakeId);
    if (!fish || !flake) return;
    fish.score = score;
    this.#show({ kind: "meal", x: flake.x, y: flake.y, own: fish.own });
  }

  ripple(x, y) {
    this.#show({ kind: "ring", x, y });
  }

  #show(effect) {
    // Nobody sees it, and no frame would ever take it away.
    if (!document.hidden) this.#effects.push({ ...effect, began: performance.now() });
  }

  // -- where it is on the page

  /** The place in the pond under a point of the page. */
  placeAt(pageX, pageY) {
    const box = this.#canvas.getBoundingClientRect();
    const { x, y, scale } = this.#camera;
    return { x: x + (pageX - box.x - box.width / 2) / scale, y: y + (pageY - box.y - box.height / 2) / scale };
  }

  /** The point of the page over a place in the pond. */
  pointOver({ x, y }) {
    const box = this.#canvas.getBoundingClientRect();
    const camera = this.#camera;
    return {
      x: box.x + box.width / 2 + (x - camera.x) * camera.scale,
      y: box.y + box.height / 2 + (y - camera.y) * camera.scale,
    };
  }

  #resize() {
    const { clientWidth, clientHeight } = this.#canvas;
    if (this.#pond === null || clientWidth === 0) return;
    const sharpness = Math.min(devicePixelRatio, SHARPEST);
    this.#canvas.width = Math.round(clientWidth * sharpness);
    this.#canvas.height = Math.round(clientHeight * sharpness);
    // The pond fills the window; what has no room is seen when the own fish swims there.
    const scale = Math.max(clientWidth / SIZE.width, clientHeight / SIZE.height);
    Object.assign(this.#camera, { scale, sharpness });
    this.#water = new WaterPicture(this.#pond, SIZE, scale * sharpness);
    this.#draw(performance.now());
  }

  #follow() {
    const { clientWidth, clientHeight } = this.#canvas;
    const camera = this.#camera;
    const [halfWidth, halfHeight] = [clientWidth / 2 / camera.scale, clientHeight / 2 / camera.scale];
    const { x, y } = this.#own.place;
    camera.x += (clamp(x, halfWidth, SIZE.width - halfWidth) - camera.x) * 0.08;
    camera.y += (clamp(y, halfHeight, SIZE.height - halfHeight) - camera.y) * 0.08;
    camera.x = clamp(camera.x, halfWidth, SIZE.width - halfWidth);
    camera.y = clamp(camera.y, halfHeight, SIZE.height - halfHeight);
  }

  // -- frames

  #frame(now) {
    requestAnimationFrame((next) => this.#frame(next));
    if (this.#water === null) return;
    // A page that was hidden goes on where it was.
    const seconds = Math.min((now - this.#drawn) / 1000, LONGEST_FRAME);
    this.#drawn = now;
    this.onFrame(seconds);
    this.#own.motion.step(seconds);
    for (const fish of this.fish.values()) {
      fish.place = fish.motion.place(now);
      fish.shape.step(fish.place, seconds);
    }
    this.#follow();
    this.#draw(now);
  }

  #draw(now) {
    const pen = this.#pen;
    const { palette } = this.#water;
    const { x, y, scale, sharpness } = this.#camera;
    const zoom = scale * sharpness;
    const seconds = STILL.matches ? 0 : now / 1000;
    pen.setTransform(zoom, 0, 0, zoom, this.#canvas.width / 2 - x * zoom, this.#canvas.height / 2 - y * zoom);
    const [width, height] = [this.#canvas.width / zoom, this.#canvas.height / zoom];
    this.#water.drawGround(pen, seconds, { x: x - width / 2, y: y - height / 2, width, height });
    // The own one is uppermost.
    const fish = [...this.fish.values()].sort((one, other) => one.own - other.own);
    for (const { shape, away, own } of fish) shape.draw(pen, palette, { away, glow: own });
    drawFlakes(pen, this.flakes.values(), palette, now, seconds);
    this.#water.drawSurface(pen, seconds);
    this.#effects = drawEffects(pen, this.#effects, palette, now);
    const view = { ...this.#camera, width: this.#canvas.clientWidth, height: this.#canvas.clientHeight };
    pen.setTransform(sharpness, 0, 0, sharpness, 0, 0);
    drawNames(pen, fish, palette, view);
    drawEdgeMarks(pen, fish, view);
  }
}
