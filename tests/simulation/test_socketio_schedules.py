"""Socket.IO clients on a hostile network, and the server as it is: each rule by its name, and planted mistakes.

SCHEDULES and SEED in the environment say how many schedules are played, and from which seed on. One that fails prints
its steps, and `python -m tests.simulation.socketio --schedules 1 --seed S --shorten` plays it again.
"""

from __future__ import annotations

import os

import pytest

from tests.simulation.hunting import Hunts, hunted
from tests.simulation.mutants import Mutant
from tests.simulation.socketio.mutants import MUTANTS
from tests.simulation.socketio.playing import LENGTH, Totals, play, play_many
from tests.simulation.socketio.schedule import schedule

SEEDS = range(
    int(os.environ.get("SEED", "0")), int(os.environ.get("SEED", "0")) + int(os.environ.get("SCHEDULES", "1000"))
)

RULES = {
    "down": "what the server says arrives in its order, once, by any transport and across cuts that were recovered",
    "once": "what is volatile, and a call, arrives at most once",
    "up": "what a client says arrives in its order, once; a cut loses what was on its way, and nothing before it",
    "content": "every message arrives as it was sent",
    "ack": "a call of a client is answered at most once, with its answer, and always if nothing broke",
    "call": "a call of the server has one outcome, and an answer is the right one",
    "recovered": "who is told to be recovered is; who is not has a socket of its own",
    "kept": "a stay that could go on does",
    "goodbye": "every stay ends once, and none as a violation",
    "disturbed": "no connection is closed that nobody cut, whose client answers its pings",
    "comes back": "on a good network everybody is in again, and both sides know it",
    "refused": "nobody is refused",
    "parse": "clients can read what they are told",
    "answers": "a request is answered once",
    "left": "when everybody has gone nothing is left",
    "busy": "nobody is busy with nothing",
    "crash": "no exception escapes",
    "log": "nothing is logged as an error",
}


@pytest.fixture(scope="module")
def totals() -> Totals:
    """All schedules, played once for all tests here."""
    return play_many(SEEDS)


@pytest.mark.parametrize("rule", RULES, ids=RULES.get)
def test_in_every_schedule(rule: str, totals: Totals) -> None:
    broken = [failure for failure in totals.failures if rule in failure.names]

    assert not broken, "\n\n".join(map(str, broken))


def test_every_schedule_was_played_on_a_hostile_network(totals: Totals) -> None:
    """Otherwise the other tests here prove nothing."""
    assert not totals.failures, [failure.seed for failure in totals.failures]
    assert totals.schedules == len(SEEDS)
    assert totals.cuts >= 2 * totals.schedules
    assert totals.messages >= 40 * totals.schedules
    assert totals.lives >= 6 * totals.schedules
    assert totals.recovered >= totals.schedules


def test_a_seed_is_played_the_same_whenever_it_is_played() -> None:
    assert [play(seed).mark for seed in range(5)] == [play(seed).mark for seed in range(5)]
    assert schedule(1, LENGTH) == schedule(1, LENGTH) != schedule(2, LENGTH)


# -- planted mistakes


@pytest.fixture(scope="module")
def hunts() -> Hunts:
    """All hunts."""
    return hunted("tests.simulation.socketio.mutants", MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.breaks}: {mutant.name}")
def test_a_planted_mistake_breaks_its_rule(mutant: Mutant, hunts: Hunts) -> None:
    found = hunts[mutant.name].result()

    assert found.returncode == 0, found.stdout + found.stderr


def test_there_are_enough_of_them() -> None:
    assert len(MUTANTS) >= 12
    assert {mutant.breaks for mutant in MUTANTS} <= RULES.keys()
