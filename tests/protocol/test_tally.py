"""What befell one session is counted as it happens."""

from __future__ import annotations

from antiphon.protocol.tally import Tally


def test_it_knows_when_it_began_and_when_it_changed() -> None:
    tally = Tally()

    tally.attached(5.0)
    tally.attached(9.0)

    assert (tally.attaches, tally.began, tally.changed) == (2, 5.0, 9.0)


def test_limits_are_counted_by_name_and_by_session() -> None:
    tally, other = Tally(), Tally()

    tally.hit("depth")
    tally.hit("depth")
    tally.hit("name")

    assert tally.limits == {"depth": 2, "name": 1}
    assert other.limits == {}
