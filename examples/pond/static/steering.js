/** How somebody steers the own fish: with a pointer, a finger, or the keyboard. */

const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** With the keyboard it swims to a place so far ahead. */
const AHEAD = 120;

export class Steering {
  #scene;
  #held = new Set();
  /** A point of the page and not of the pond: the water moves under a pointer that rests. */
  #pointer = null;

  /** `onRipple(x, y)` is told where one is made. */
  constructor(canvas, scene, onRipple) {
    this.#scene = scene;
    canvas.addEventListener("pointermove", (event) => this.#aim(event));
    canvas.addEventListener("pointerdown", (event) => this.#aim(event));
    // A finger that is lifted points nowhere; its fish swims to where it was last.
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, ({ pointerType }) => {
        if (pointerType !== "mouse") this.#pointer = null;
      });
    }
    canvas.addEventListener("click", ({ clientX, clientY }) => {
      const { x, y } = scene.placeAt(clientX, clientY);
      onRipple(x, y);
    });
    canvas.addEventListener("keydown", (event) => {
      if (event.key in DIRECTIONS) this.#held.add(event.key);
      else if (event.key !== " ") return;
      else if (scene.own && !event.repeat) onRipple(scene.own.place.x, scene.own.place.y);
      this.#pointer = null;
      event.preventDefault();
    });
    canvas.addEventListener("keyup", ({ key }) => this.#held.delete(key));
    canvas.addEventListener("blur", () => this.#held.clear());
  }

  /** Forget where the pointer was: the pond is another one. */
  rest() {
    this.#pointer = null;
  }

  /** Once per frame. */
  steer() {
    const { motion } = this.#scene.own;
    if (this.#pointer !== null) {
      const { x, y } = this.#scene.placeAt(this.#pointer.x, this.#pointer.y);
      motion.swimTo(x, y);
    } else if (this.#held.size > 0) {
      const sum = (axis) => [...this.#held].reduce((total, key) => total + DIRECTIONS[key][axis], 0);
      motion.swimTo(motion.x + sum(0) * AHEAD, motion.y + sum(1) * AHEAD);
    }
  }

  #aim({ clientX, clientY }) {
    this.#pointer = { x: clientX, y: clientY };
  }
}
