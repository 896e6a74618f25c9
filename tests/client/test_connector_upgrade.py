"""Moving over to a better transport without a pause (contract rule 15)."""

from __future__ import annotations

import pytest

from antiphon.protocol.closing import TransportCode
from antiphon.protocol.packets import Join, Ping, Pong, Refuse
from antiphon.protocol.session import State
from tests.client.stage import Stage
from tests.protocol.wire import event


def test_beside_a_later_kind_the_first_is_tried_and_probed_before_it_says_hello() -> None:
    """Rule 15."""
    stage = Stage()
    old = stage.fall_back()

    stage.connector.tick(1.0)
    better = stage.opened(1.2)
    assert better.kind == "websocket"
    assert better.said == [Ping(1200)]
    assert stage.live is old

    stage.answer(Pong(1200, 0), now=1.3)
    assert better.hello.attempt == 2
    assert stage.live is old
    assert not old.closed

    stage.welcome(1.4, resumed=True)
    assert stage.live is better
    assert old.closed


def test_the_old_transport_is_read_until_welcome_and_not_after_it() -> None:
    """Rules 15, 18; I11: delivery never stops."""
    stage = Stage()
    old = stage.fall_back()
    stage.connector.tick(1.0)
    stage.opened(1.0)
    stage.answer(Pong(1000, 0), now=1.0)

    stage.answer(event(1), number=1, now=1.1, by=old)
    stage.welcome(1.2, resumed=True)
    stage.answer(event(2), number=2, now=1.3, by=old)

    assert stage.session.inbox.received == 1


def test_the_session_writes_to_the_old_transport_until_welcome() -> None:
    stage = Stage()
    old = stage.fall_back()
    stage.connector.tick(1.0)
    better = stage.opened(1.0)
    stage.answer(Pong(1000, 0), now=1.0)
    stage.session.join("/a")

    stage.connector.flush(1.1)

    assert old.said[-1] == Join("/a")
    stage.welcome(1.2, resumed=True, received=1)
    assert Join("/a") not in better.said


def test_a_probe_without_an_answer_in_5_s_fences_nothing() -> None:
    """Rule 15: a path that swallows one direction must not fence a working one."""
    stage = Stage()
    old = stage.fall_back()
    stage.connector.tick(1.0)
    better = stage.opened(1.0)

    stage.connector.tick(6.0)

    assert better.closed
    assert better.said == [Ping(1000)]
    assert stage.live is old


def test_a_candidate_that_does_not_open_has_10_s_beside_a_live_one() -> None:
    stage = Stage()
    stage.fall_back()
    stage.connector.tick(1.0)

    stage.connector.tick(10.9)
    assert not stage.newest.closed
    stage.connector.tick(11.0)

    assert stage.newest.closed


def test_trying_to_move_over_grows_rare_but_never_stops() -> None:
    stage = Stage()
    stage.fall_back()
    now = 0.0
    waits: list[float] = []
    for _ in range(7):
        stage.session.heartbeat.heard = now
        before = now
        while len(stage.kinds) == 2 + len(waits):
            now += 0.5
            stage.session.heartbeat.heard = now
            stage.connector.tick(now)
        waits.append(now - before)
        stage.lost(now)

    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_the_first_kind_is_not_sought_beside_itself() -> None:
    stage = Stage()
    stage.attach()

    stage.connector.tick(19.0)

    assert stage.kinds == ["websocket"]


def test_a_stale_candidate_is_tried_again_at_once() -> None:
    stage = Stage()
    old = stage.fall_back()
    stage.connector.tick(1.0)
    stage.opened(1.0)
    stage.answer(Pong(1000, 0), now=1.0)

    stage.answer(Refuse("stale", "", None, 7), now=1.1)
    stage.connector.tick(1.1)

    assert stage.kinds[2:] == ["websocket", "websocket"]
    assert stage.live is old
    stage.opened(1.2)
    stage.answer(Pong(1200, 0), now=1.2)
    assert stage.newest.hello.attempt == 8


def test_a_refusal_beside_a_live_transport_leaves_it_as_it_is() -> None:
    """Rule 17."""
    stage = Stage()
    old = stage.fall_back()
    stage.connector.tick(1.0)
    stage.opened(1.0)
    stage.answer(Pong(1000, 0), now=1.0)

    stage.answer(Refuse("unauthorized"), now=1.1)

    assert stage.connector.stopped is None
    assert stage.live is old


@pytest.mark.parametrize(("retry_after", "due"), [(None, 31.0), (60_000, 61.0)])
def test_a_refusal_for_now_beside_a_live_transport_is_followed_by_another_try_later(
    retry_after: int | None, due: float
) -> None:
    stage = Stage()
    stage.fall_back()
    stage.connector.tick(1.0)
    stage.opened(1.0)
    stage.answer(Pong(1000, 0), now=1.0)

    stage.answer(Refuse("try_later", "", retry_after), now=1.0)

    stage.session.heartbeat.heard = due
    stage.connector.tick(due - 0.1)
    assert len(stage.kinds) == 3
    stage.connector.tick(due)
    assert len(stage.kinds) == 4


def test_losing_the_old_transport_while_hello_is_under_way_starts_no_second_attach() -> None:
    """Rule 15."""
    stage = Stage()
    old = stage.fall_back()
    stage.connector.tick(1.0)
    stage.opened(1.0)
    stage.answer(Pong(1000, 0), now=1.0)

    stage.lost(1.1, TransportCode.FENCED, "2", transport=old)
    stage.connector.tick(2.0)

    assert len(stage.kinds) == 3
    stage.welcome(2.1, resumed=True)
    assert stage.live is stage.newest


def test_a_link_that_takes_over_carries_the_session_when_the_old_one_is_gone() -> None:
    """An upgrade is no outage: the old transport may be fenced before Welcome is here."""
    stage = Stage()
    assert stage.connector.carrier is None
    old = stage.fall_back()
    stage.connector.tick(1.0)
    better = stage.opened(1.0)
    stage.answer(Pong(1000, 0), now=1.0)
    assert stage.connector.carrier is old.link

    stage.lost(1.1, TransportCode.FENCED, "2", transport=old)
    assert stage.connector.carrier is better.link

    stage.welcome(1.2, resumed=True)
    assert stage.connector.carrier is better.link


def test_a_link_that_comes_after_a_loss_carries_nothing_before_welcome() -> None:
    stage = Stage()
    stage.attach()
    stage.lost(1.0)
    stage.connector.tick(2.0)

    stage.opened(2.0)

    assert stage.connector.carrier is None


def test_a_welcome_that_was_lost_is_waited_for_3_s_and_then_said_again() -> None:
    """Rule 15, I11."""
    stage = Stage()
    old = stage.fall_back()
    stage.connector.tick(1.0)
    candidate = stage.opened(1.0)
    stage.answer(Pong(1000, 0), now=1.0)
    stage.lost(1.1, TransportCode.FENCED, "2", transport=old)

    stage.connector.tick(3.9)
    assert not candidate.closed
    stage.connector.tick(4.0)

    assert candidate.closed
    stage.connector.tick(stage.connector.retry_at)
    stage.opened(5.0)
    assert stage.newest.hello.attempt == 3


def test_losing_the_old_transport_while_the_new_one_is_probed_says_hello_at_once() -> None:
    stage = Stage()
    old = stage.fall_back()
    stage.connector.tick(1.0)
    candidate = stage.opened(1.0)

    stage.lost(1.1, transport=old)

    assert candidate.hello.sid == "s1"


def test_losing_the_old_transport_before_the_new_one_is_open_goes_back_to_what_worked() -> None:
    stage = Stage()
    old = stage.fall_back()
    stage.connector.tick(1.0)
    candidate = stage.newest

    stage.lost(1.1, transport=old)

    assert candidate.closed
    stage.connector.tick(stage.connector.retry_at)
    assert stage.newest.kind == "longpoll"


def test_losing_the_candidate_changes_nothing_for_the_live_one() -> None:
    stage = Stage()
    old = stage.fall_back()
    stage.connector.tick(1.0)
    stage.opened(1.0)

    stage.lost(1.1)

    assert stage.live is old
    assert stage.session.state is State.ATTACHED
