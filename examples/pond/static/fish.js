/** One fish as it is drawn: a spine that follows its head, and a body around it that swings with the speed. */
import { clamp } from "./motion.js";
import { skinOf } from "./palette.js";

/** Half the width of the body at each joint of the spine, head first, in units of the pond. */
const WIDTHS = [6.5, 11, 13.5, 13.8, 12.2, 9.6, 6.8, 4.2, 2.4];
const JOINT = 9;
const BEND = 0.42;
const LAST = WIDTHS.length - 1;

export class FishShape {
  /** Its joints, head first. */
  #spine;
  #phase = Math.random() * 6;
  #speed = 0;
  #skin;
  #patches;

  constructor({ id, colour }, { x, y }) {
    this.#skin = skinOf(colour);
    let seed = 7;
    for (const character of id) seed = (seed * 31 + character.codePointAt(0)) % 9973;
    const some = (step, low, high) => low + (((seed * step) % 997) / 997) * (high - low);
    // Blots with seven corners, at the joints where they lie.
    this.#patches = [1, 3 + (seed % 2), 6].map((joint, index) => ({
      joint,
      side: some(3 + index * 13, -0.55, 0.55),
      reaches: Array.from({ length: 7 }, (_, corner) => some(5 + corner * 7 + index * 17, 0.45, 1.25)),
    }));
    const turn = some(41, 0, Math.PI * 2);
    this.#spine = WIDTHS.map((_, joint) => ({
      x: x - Math.cos(turn) * JOINT * joint,
      y: y - Math.sin(turn) * JOINT * joint,
    }));
  }

  /** The middle of its body. */
  get middle() {
    return this.#spine[4];
  }

  /** How far down it reaches: its name stands below. */
  get lowest() {
    return Math.max(...this.#spine.map(({ y }) => y)) + 16;
  }

  /** Let some seconds pass, in which the head came to a place. */
  step({ x, y }, seconds) {
    const [head] = this.#spine;
    const speed = Math.hypot(x - head.x, y - head.y) / Math.max(seconds, 0.001);
    this.#speed += (speed - this.#speed) * Math.min(1, seconds * 8);
    this.#phase += seconds * (2.2 + this.#speed * 0.045);
    Object.assign(head, { x, y });
    let bent = null;
    for (let joint = 1; joint <= LAST; joint += 1) {
      const [before, here] = [this.#spine[joint - 1], this.#spine[joint]];
      let turn = Math.atan2(here.y - before.y, here.x - before.x);
      // Nobody bends in a right angle.
      if (bent !== null) turn = bent + clamp(Math.atan2(Math.sin(turn - bent), Math.cos(turn - bent)), -BEND, BEND);
      here.x = before.x + Math.cos(turn) * JOINT;
      here.y = before.y + Math.sin(turn) * JOINT;
      bent = turn;
    }
  }

  /** Draw it, with its shadow on the ground. */
  draw(pen, { shadow, night }, { away, glow }) {
    const joints = this.#swing(away);
    pen.save();
    pen.globalAlpha = night ? 0.35 : 0.13;
    pen.fillStyle = shadow;
    pen.translate(9, 15);
    this.#body(pen, joints);
    pen.fill();
    this.#tail(pen, joints);
    pen.restore();

    pen.save();
    pen.globalAlpha = away ? 0.45 : 1;
    this.#fins(pen, joints);
    pen.fillStyle = this.#skin.skin;
    this.#body(pen, joints);
    pen.fill();
    pen.save();
    pen.clip();
    this.#markings(pen, joints);
    pen.restore();
    if (glow) {
      pen.strokeStyle = "#ffffffa0";
      pen.lineWidth = 1.2;
      this.#body(pen, joints);
      pen.stroke();
    }
    this.#eyes(pen, joints);
    pen.restore();
  }

  /** The joints with their normals, swung from side to side; who dozes hardly moves. */
  #swing(away) {
    const spine = this.#spine;
    const strength = (away ? 0.25 : 1) * (1.4 + Math.min(this.#speed, 340) * 0.012);
    return spine.map((joint, index) => {
      const [before, behind] = [spine[Math.max(0, index - 1)], spine[Math.min(LAST, index + 1)]];
      const length = Math.hypot(before.x - behind.x, before.y - behind.y) || 1;
      const [forwardX, forwardY] = [(before.x - behind.x) / length, (before.y - behind.y) / length];
      const sway = Math.sin(this.#phase - index * 0.62) * strength * (index / LAST) ** 1.6;
      const [x, y] = from({ ...joint, forwardX, forwardY }, 0, sway);
      return { x, y, forwardX, forwardY, width: WIDTHS[index] };
    });
  }

  #body(pen, joints) {
    const left = joints.map((joint) => from(joint, 0, joint.width));
    const right = joints.map((joint) => from(joint, 0, -joint.width));
    smooth(pen, [from(joints[0], 10, 0), ...left, ...right.reverse()]);
  }

  #tail(pen, joints) {
    const root = joints[LAST];
    const beat = Math.sin(this.#phase - LAST * 0.62 - 0.7) * 0.35;
    const turn = Math.atan2(-root.forwardY, -root.forwardX) + beat;
    pen.save();
    pen.translate(root.x, root.y);
    pen.rotate(turn);
    pen.scale(1.2, 1.2);
    pen.beginPath();
    pen.moveTo(-3, 0);
    pen.bezierCurveTo(8, -4, 16, -12, 27, -11);
    pen.bezierCurveTo(22, -6, 20, -3, 19, 0);
    pen.bezierCurveTo(20, 3, 22, 6, 27, 11);
    pen.bezierCurveTo(16, 12, 8, 4, -3, 0);
    pen.fill();
    pen.restore();
  }

  #fins(pen, joints) {
    pen.fillStyle = this.#skin.fin;
    pen.save();
    pen.globalAlpha *= 0.85;
    this.#tail(pen, joints);
    const paddle = Math.sin(this.#phase * 0.8) * 0.25;
    for (const [index, length] of [
      [2, 20],
      [5, 11],
    ]) {
      const root = joints[index];
      for (const side of [1, -1]) {
        pen.save();
        pen.translate(...from(root, 0, root.width * 0.7 * side));
        pen.rotate(Math.atan2(root.forwardY, root.forwardX) + side * (2.25 + paddle));
        pen.beginPath();
        pen.ellipse(length / 2, 0, length / 2 + 1, length / 4, 0, 0, Math.PI * 2);
        pen.fill();
        pen.restore();
      }
    }
    pen.restore();
  }

  #markings(pen, joints) {
    pen.fillStyle = this.#skin.patch;
    for (const { joint, side, reaches } of this.#patches) {
      const { width } = joints[joint];
      const corners = reaches.map((reach, corner) => {
        const angle = (corner / reaches.length) * Math.PI * 2;
        return from(joints[joint], Math.cos(angle) * reach * (width + 3), (side + Math.sin(angle) * reach) * width);
      });
      smooth(pen, corners);
      pen.fill();
    }
    // The back is lit from above.
    pen.globalAlpha *= 0.18;
    pen.strokeStyle = "#ffffff";
    pen.lineWidth = 6;
    pen.lineCap = "round";
    pen.beginPath();
    for (const { x, y } of joints.slice(0, 7)) pen.lineTo(x, y);
    pen.stroke();
  }

  #eyes(pen, [head]) {
    pen.fillStyle = "#1d2124";
    for (const side of [1, -1]) {
      pen.beginPath();
      pen.arc(...from(head, 2.5, 4.9 * side), 1.25, 0, Math.PI * 2);
      pen.fill();
    }
  }
}

/** The point that lies so far ahead of a joint, and so far beside it. */
function from({ x, y, forwardX, forwardY }, ahead, aside) {
  return [x + forwardX * ahead - forwardY * aside, y + forwardY * ahead + forwardX * aside];
}

/** A closed line through the middles of these points, as curves. */
function smooth(pen, points) {
  const middle = ([x, y], [otherX, otherY]) => [(x + otherX) / 2, (y + otherY) / 2];
  pen.beginPath();
  pen.moveTo(...middle(points.at(-1), points[0]));
  points.forEach((point, index) => {
    pen.quadraticCurveTo(...point, ...middle(point, points[(index + 1) % points.length]));
  });
  pen.closePath();
}
