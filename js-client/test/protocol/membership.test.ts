/** Where the client stands with a namespace, row by row of the table. */
import { describe, expect, test } from "vitest";
import { Member, type Place } from "../../src/protocol/membership.js";
import { openSession } from "../peers.js";

function at(place: Place): Member {
  const member = new Member("/");
  if (place !== "out") member.want();
  if (place === "joining" || place === "in" || place === "refused") member.sent();
  if (place === "in" || place === "refused") member.answered(place);
  expect(member.place).toBe(place);
  return member;
}

const PLACES: Place[] = ["out", "wanted", "joining", "in", "refused"];

describe("wanting, leaving and losing", () => {
  test.each<[act: string, change: (member: Member) => void, after: Place[]]>([
    ["want", (member) => member.want(), ["wanted", "wanted", "joining", "in", "wanted"]],
    ["left", (member) => member.left(), ["out", "out", "out", "out", "out"]],
    ["lost", (member) => member.lost(), ["out", "wanted", "wanted", "wanted", "refused"]],
  ])("%s leads from every place to the next", (_act, change, after) => {
    const members = PLACES.map(at);

    for (const member of members) change(member);

    expect(members.map(({ place }) => place)).toEqual(after);
  });
});

test("an answer counts only while joining", () => {
  const counts = PLACES.map((place) => at(place).answered("in"));

  expect(counts).toEqual([false, false, true, false, false]);
});

test("after leaving and asking again, the answer to the first join says nothing", () => {
  const member = at("joining");
  member.left();
  member.want();
  member.sent();

  const first = member.answered("in");
  const second = member.answered("refused");

  expect([first, second, member.place]).toEqual([false, true, "refused"]);
});

test("answers of a lost session are not waited for in the next", () => {
  const member = at("joining");
  member.lost();
  member.sent();

  expect(member.answered("in")).toBe(true);
});

test("losing the session shuts the gate, leaving too", () => {
  const members = [at("in"), at("in")] as const;
  for (const member of members) member.open = true;

  members[0].lost();
  members[1].left();

  expect(members.map(({ open }) => open)).toEqual([false, false]);
});

test("what is wanted is joined in the order in which it was asked for", () => {
  const { session } = openSession();
  for (const name of ["/b", "/a", "/c"]) session.member(name).want();

  session.member("/a").left();

  expect(session.greet()[1].joins?.map(([namespace]) => namespace)).toEqual(["/b", "/c"]);
});

test("a namespace is the same member whenever it is asked for", () => {
  const { session } = openSession();

  expect(session.member("/a")).toBe(session.member("/a"));
});
