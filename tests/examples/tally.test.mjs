/** The judge of the chat page: what is missing, twice or out of order is seen, and what a cut kept is counted. */
import assert from "node:assert/strict";
import test from "node:test";
import { Tally } from "../../examples/chat/static/tally.js";

const counts = ({ received, missing, twice, disordered }) => ({ received, missing, twice, disordered });

/** Let a tally receive messages of a room that had been entered before message 1. */
function receive(tally, ...ids) {
  tally.begin("lobby", 1);
  for (const id of ids) tally.receive("lobby", { id, at: 0, ref: "" }, 0);
}

test("messages that come once and in order are no fault", () => {
  const tally = new Tally();

  receive(tally, 1, 2, 3);

  assert.deepEqual(counts(tally), { received: 3, missing: 0, twice: 0, disordered: 0 });
});

test("a gap is seen as what is missing", () => {
  const tally = new Tally();

  receive(tally, 1, 4);

  assert.deepEqual(counts(tally), { received: 2, missing: 2, twice: 0, disordered: 0 });
});

test("a message that fills a gap is out of order", () => {
  const tally = new Tally();

  receive(tally, 1, 3, 2);

  assert.deepEqual(counts(tally), { received: 3, missing: 0, twice: 0, disordered: 1 });
});

test("a message that came before is one too many", () => {
  const tally = new Tally();

  receive(tally, 1, 2, 2, 1);

  assert.deepEqual(counts(tally), { received: 4, missing: 0, twice: 2, disordered: 0 });
});

test("an own message that others overtook is missing until it comes back", () => {
  const tally = new Tally();
  tally.begin("lobby", 1);
  tally.send("a");
  tally.send("b");

  tally.receive("lobby", { id: 1, at: 0, ref: "b" }, 0);
  const between = tally.missing;
  tally.receive("lobby", { id: 2, at: 0, ref: "a" }, 0);

  assert.equal(between, 1);
  assert.deepEqual(counts(tally), { received: 2, missing: 0, twice: 0, disordered: 1 });
});

test("an own message that ran twice at the server is seen, though the server numbered both", () => {
  const tally = new Tally();
  tally.begin("lobby", 1);
  tally.send("a");

  tally.receive("lobby", { id: 1, at: 0, ref: "a" }, 0);
  tally.receive("lobby", { id: 2, at: 0, ref: "a" }, 0);

  assert.deepEqual(counts(tally), { received: 2, missing: 0, twice: 1, disordered: 0 });
});

test("a cut counts what it had kept: what others said meanwhile, and what waited here", () => {
  const tally = new Tally();
  tally.begin("lobby", 1);
  tally.receive("lobby", { id: 1, at: 1000, ref: "" }, 1010);

  tally.break(2000);
  tally.send("mine");
  tally.mend(5000);
  tally.receive("lobby", { id: 2, at: 3000, ref: "" }, 5010);
  tally.receive("lobby", { id: 3, at: 5020, ref: "mine" }, 5030);
  tally.receive("lobby", { id: 4, at: 6000, ref: "" }, 6010);

  assert.deepEqual(tally.verdict, { missing: 0, twice: 0, disordered: 0, late: 2 });
  assert.equal(tally.cut.until - tally.cut.since, 3000);
});

test("the clock of the server may be another one", () => {
  const tally = new Tally();
  tally.begin("lobby", 1);
  tally.receive("lobby", { id: 1, at: 901_000, ref: "" }, 1010);

  tally.break(2000);
  tally.mend(5000);
  tally.receive("lobby", { id: 2, at: 903_000, ref: "" }, 5010);
  tally.receive("lobby", { id: 3, at: 905_100, ref: "" }, 5110);

  assert.equal(tally.verdict.late, 1);
});

test("what was before a cut is not counted to it", () => {
  const tally = new Tally();
  receive(tally, 1, 3, 3);

  tally.break(2000);
  tally.mend(3000);
  receive(tally);

  assert.deepEqual(tally.verdict, { missing: 0, twice: 0, disordered: 0, late: 0 });
});

test("what waited when the session was lost is not missed: the page says so in another place", () => {
  const tally = new Tally();
  tally.begin("lobby", 1);
  tally.send("a");
  tally.lose();
  tally.send("b");

  tally.receive("lobby", { id: 1, at: 0, ref: "b" }, 0);

  assert.deepEqual(counts(tally), { received: 1, missing: 0, twice: 0, disordered: 0 });
  assert.equal(tally.waiting.size, 0);
});
