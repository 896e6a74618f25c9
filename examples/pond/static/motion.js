/** Where a fish is at any moment: others are drawn between the places that came, the own one swims to its goal. */

/** Others are drawn so many ms late, so that there is a place behind the moment nearly always: two of 50 ms, and a bit. */
export const DELAY = 120;
/** A place that comes later than this after the last one begins a new movement. */
const PAUSE = 250;
const MOST = 32;

const FASTEST = 330;
const EAGERNESS = 4;
const AGILITY = 6;

/** A fish that others steer. Times are in ms, of the clock of this page. */
export class Track {
  #places = [];

  constructor(x, y, at) {
    this.#places.push({ x, y, at });
  }

  /** A place came. */
  receive(x, y, at) {
    const last = this.#places.at(-1);
    // Somebody who rested did not creep here all the while.
    if (at - last.at > PAUSE) this.#places.push({ ...last, at: at - 50 });
    this.#places.push({ x, y, at });
    // Nobody looks while the page is hidden.
    if (this.#places.length > MOST) this.#places.shift();
  }

  /** Where it is drawn at this moment. */
  place(now) {
    const then = now - DELAY;
    const places = this.#places;
    while (places.length > 1 && places[1].at <= then) places.shift();
    const [from, to] = places;
    if (to === undefined || then <= from.at) return { x: from.x, y: from.y };
    const share = (then - from.at) / (to.at - from.at);
    return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
  }
}

/** The fish of this page: it turns to its goal, speeds up, and slows down when it is near. */
export class Swimmer {
  #size;
  #goal;
  #vx = 0;
  #vy = 0;

  constructor(x, y, size) {
    Object.assign(this, { x, y });
    this.#size = size;
    this.#goal = { x, y };
  }

  swimTo(x, y) {
    const { width, height } = this.#size;
    this.#goal = { x: clamp(x, 0, width), y: clamp(y, 0, height) };
  }

  /** Let some seconds pass. */
  step(seconds) {
    const [dx, dy] = [this.#goal.x - this.x, this.#goal.y - this.y];
    const distance = Math.hypot(dx, dy) || 1;
    const speed = Math.min(FASTEST, distance * EAGERNESS) / distance;
    const turn = 1 - Math.exp(-AGILITY * seconds);
    this.#vx += (dx * speed - this.#vx) * turn;
    this.#vy += (dy * speed - this.#vy) * turn;
    this.x = clamp(this.x + this.#vx * seconds, 0, this.#size.width);
    this.y = clamp(this.y + this.#vy * seconds, 0, this.#size.height);
  }

  /** Where it is drawn. */
  place() {
    return { x: this.x, y: this.y };
  }
}

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
