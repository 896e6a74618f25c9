/** How the fish of the pond page move: others between the places that came, the own one to its goal. */
import assert from "node:assert/strict";
import test from "node:test";
import { DELAY, Swimmer, Track } from "../../examples/pond/static/motion.js";

const SIZE = { width: 1200, height: 900 };

/** Let so many seconds pass, in frames of a sixtieth. */
function swim(swimmer, seconds) {
  const places = [];
  for (let frame = 0; frame < seconds * 60; frame += 1) {
    swimmer.step(1 / 60);
    places.push(swimmer.place());
  }
  return places;
}

test("between two places a fish is drawn on the way", () => {
  const track = new Track(0, 0, 0);
  track.receive(10, 20, 50);

  assert.deepEqual(track.place(DELAY + 25), { x: 5, y: 10 });
});

test("a fish rests where the last place was until another comes", () => {
  const track = new Track(0, 0, 0);
  track.receive(10, 20, 50);

  assert.deepEqual(track.place(DELAY + 10_000), { x: 10, y: 20 });
});

test("after a rest a fish sets off now, and did not creep all the while", () => {
  const track = new Track(0, 0, 0);
  track.receive(100, 0, 5000);

  assert.deepEqual(track.place(DELAY + 4000), { x: 0, y: 0 });
  assert.deepEqual(track.place(DELAY + 4975), { x: 50, y: 0 });
});

test("places that nobody looks at are not kept for ever", () => {
  const track = new Track(0, 0, 0);
  for (let at = 50; at <= 50_000; at += 50) track.receive(at, 0, at);

  const oldest = track.place(DELAY);

  assert.ok(oldest.x > 45_000, String(oldest.x));
});

test("the own fish comes to its goal and stays there", () => {
  const swimmer = new Swimmer(100, 100, SIZE);
  swimmer.swimTo(400, 300);

  swim(swimmer, 5);

  assert.ok(Math.hypot(swimmer.x - 400, swimmer.y - 300) < 2, JSON.stringify(swimmer));
});

test("the own fish never jumps", () => {
  const swimmer = new Swimmer(0, 0, SIZE);
  swimmer.swimTo(1200, 900);

  const places = swim(swimmer, 5);

  const steps = places.slice(1).map(({ x, y }, index) => Math.hypot(x - places[index].x, y - places[index].y));
  assert.ok(Math.max(...steps) < 8, String(Math.max(...steps)));
});

test("the own fish stays in the pond, wherever it is told to swim", () => {
  const swimmer = new Swimmer(1100, 100, SIZE);
  swimmer.swimTo(9000, -9000);

  const places = swim(swimmer, 5);

  assert.ok(places.every(({ x, y }) => x <= SIZE.width && y >= 0));
});
