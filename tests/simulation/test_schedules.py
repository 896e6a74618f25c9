"""Two real ends through a hostile network: the invariants of the contract, each by its name.

All of it for the client in Python, then for the one in TypeScript. SCHEDULES and SEED in the environment say how many
schedules are played with each, and from which seed on. A schedule that fails prints its steps, and
`python -m tests.simulation --client python|typescript --schedules 1 --seed S` plays it again.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from antiphon.testing.simulation.many import Totals, play_many
from antiphon.testing.simulation.page import OpenPage
from antiphon.testing.simulation.runner import play
from antiphon.testing.simulation.schedule import schedule
from tests.simulation.typescript.pages import TypeScriptPages

# A schedule takes about 40 ms of a processor with the client in Python, and twice that with the one in TypeScript.
SCHEDULES = {"python": 3000, "typescript": 1000}
SEED = int(os.environ.get("SEED", "0"))


@pytest.fixture(scope="module")
def seeds(open_page: OpenPage) -> range:
    """The schedules for a client."""
    language = "typescript" if isinstance(open_page, TypeScriptPages) else "python"
    return range(SEED, SEED + int(os.environ.get("SCHEDULES", SCHEDULES[language])))


@pytest.fixture(scope="module")
def totals(open_page: OpenPage, seeds: range) -> Totals:
    """All schedules, played once for all tests here."""
    return play_many(seeds, most_failures=3, open_page=open_page)


def holds(totals: Totals, name: str) -> None:
    broken = [failure for failure in totals.failures if name in failure.names]
    assert not broken, "\n\n".join(map(str, broken))


def test_every_schedule_was_played_and_nothing_escaped(totals: Totals, seeds: range) -> None:
    holds(totals, "crash")
    assert not totals.failures, [failure.seed for failure in totals.failures]
    assert totals.schedules == len(seeds)


def test_the_network_was_hostile(totals: Totals) -> None:
    """Otherwise the other tests here prove nothing."""
    assert totals.cuts >= 2 * totals.schedules
    assert totals.messages >= 80 * totals.schedules
    assert totals.sessions >= 2 * totals.schedules


def test_i1_what_the_server_emitted_is_what_the_client_was_handed_in_order_once(totals: Totals) -> None:
    holds(totals, "I1")


def test_i2_what_the_client_emitted_is_what_the_server_was_handed_in_order_once(totals: Totals) -> None:
    holds(totals, "I2")


def test_i3_when_faults_stop_everything_arrives_or_the_client_was_told(totals: Totals) -> None:
    holds(totals, "I3")


def test_i4_an_ack_never_acknowledges_what_was_not_handed_over(totals: Totals) -> None:
    holds(totals, "I4")


def test_i5_every_buffer_is_within_its_bound_at_every_step(totals: Totals) -> None:
    holds(totals, "I5")


def test_i6_one_living_transport_per_session(totals: Totals) -> None:
    holds(totals, "I6")


def test_i7_an_older_attach_never_displaces_a_newer_one(totals: Totals) -> None:
    holds(totals, "I7")


def test_i8_a_client_with_its_key_can_always_attach_while_the_session_lives(totals: Totals) -> None:
    """And the session lives for its window, unless the contract names a reason."""
    holds(totals, "I8")


def test_i9_nobody_without_the_key_can_and_trying_disturbs_nobody(totals: Totals) -> None:
    holds(totals, "I9")


def test_i10_another_principal_is_refused_and_disturbs_nobody(totals: Totals) -> None:
    holds(totals, "I10")


def test_i11_moving_over_never_reorders_and_never_stops_delivery(totals: Totals) -> None:
    holds(totals, "I11")


def test_i12_a_lost_doubled_or_late_http_request_loses_doubles_and_reorders_nothing(totals: Totals) -> None:
    holds(totals, "I12")


def test_i13_rooms_and_data_are_the_same_before_and_after(totals: Totals) -> None:
    holds(totals, "I13")


def test_i14_one_outcome_per_call_and_at_most_one_start_of_its_handler(totals: Totals) -> None:
    holds(totals, "I14")


def test_i15_one_disconnect_per_session_and_one_join_handler_per_join(totals: Totals) -> None:
    holds(totals, "I15")


def test_i16_volatile_at_most_once_and_never_kept_and_the_last_latest_value_arrives(totals: Totals) -> None:
    holds(totals, "I16")


def test_i17_overflow_ends_the_session_is_reported_and_frees_its_memory(totals: Totals) -> None:
    holds(totals, "I17")


def test_i18_when_everything_is_closed_no_stream_handler_call_or_task_is_left(totals: Totals) -> None:
    holds(totals, "I18")


def test_nobody_is_busy_with_nothing(totals: Totals) -> None:
    """No live-lock: requests are bounded by what is sent and by the time that passes."""
    holds(totals, "busy")


def test_a_seed_is_played_the_same_wherever_it_is_played() -> None:
    """Another process, with another order of hashes."""
    code = (
        "from antiphon.testing.simulation.runner import play; print(*(play(seed).mark for seed in range(5)), sep=';')"
    )

    marks = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for hashes in ("1", "2")
    ]

    assert marks[0] == marks[1] == ";".join(play(seed).mark for seed in range(5))


def test_a_schedule_has_two_hundred_steps_and_each_seed_its_own() -> None:
    assert len(schedule(1, 200)) == 200
    assert schedule(1, 200) == schedule(1, 200) != schedule(2, 200)
