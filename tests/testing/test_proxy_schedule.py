"""Schedules of random faults: the same from the same seed, at the rates and shares that were asked for."""

from itertools import islice

import pytest

from antiphon.testing.proxy import Weights
from antiphon.testing.proxy.schedule import FARTHEST_CUT, cuts, disturbances


def test_the_same_seed_plans_the_same_faults_and_another_one_others() -> None:
    first, again, other = (
        (
            list(islice(cuts(seed, per_second=15, inside=0.5), 50)),
            list(islice(disturbances(seed, per_second=4, longest=0.2, weights=Weights()), 50)),
        )
        for seed in (1, 1, 2)
    )

    assert first == again
    assert first[0] != other[0]
    assert first[1] != other[1]


def test_cuts_keep_their_rate_and_their_share_inside_messages() -> None:
    planned = list(islice(cuts(1, per_second=20, inside=0.4), 2_000))

    assert 90 < sum(cut.after for cut in planned) < 110
    assert 700 < sum(cut.inside for cut in planned) < 900
    assert {cut.size for cut in planned} <= set(range(1, FARTHEST_CUT + 1))


def test_disturbances_come_by_weight_and_last_as_long_as_allowed() -> None:
    weights = Weights(
        stall=3, delay=1, trickle=0, black_hole=0, refuse_upgrades=0, lose_response=0, repeat_post=0, offline=0
    )

    planned = list(islice(disturbances(1, per_second=4, longest=0.2, weights=weights), 1_000))

    kinds = [disturbance.kind for disturbance in planned]
    assert set(kinds) == {"stall", "delay"}
    assert 650 < kinds.count("stall") < 850
    assert all(0 <= disturbance.seconds <= 0.2 for disturbance in planned)


def test_without_any_weight_there_are_no_disturbances() -> None:
    nothing = Weights(
        stall=0, trickle=0, delay=0, black_hole=0, refuse_upgrades=0, lose_response=0, repeat_post=0, offline=0
    )

    assert list(disturbances(1, per_second=4, longest=0.2, weights=nothing)) == []


def test_weights_that_are_no_weights_are_refused() -> None:
    for weight in (-1, float("inf"), float("nan")):
        with pytest.raises(ValueError, match="the weight 'stall' must be a finite number"):
            Weights(stall=weight)
