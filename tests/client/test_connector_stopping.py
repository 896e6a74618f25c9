"""When a connector tries again, and when it does not: refusals, ends, and other holders of the key."""

from __future__ import annotations

import pytest

from antiphon.protocol.closing import TransportCode
from antiphon.protocol.packets import Close, Pong, Refuse
from antiphon.protocol.session import State
from tests.client.stage import NEVER, Stage
from tests.protocol.wire import event

# -- the session ends or is lost


def test_a_session_that_the_server_ended_for_good_is_not_sought_again() -> None:
    stage = Stage()
    transport = stage.attach()

    stage.answer(Close("kicked", "by the host"))

    assert stage.connector.stopped is not None
    assert (stage.connector.stopped.code, stage.connector.stopped.reason) == ("kicked", "by the host")
    assert transport.closed
    assert stage.connector.due == NEVER


def test_a_session_that_the_server_ended_for_now_is_followed_by_another_when_it_said() -> None:
    stage = Stage()
    stage.attach()

    stage.answer(Close("shutdown", "restarting", 5000), now=10.0)

    assert stage.connector.stopped is None
    assert stage.connector.retry_at == 15.0
    stage.connector.tick(15.0)
    stage.opened(15.0)
    assert stage.newest.hello.sid is None


def test_the_time_that_the_server_said_counts_each_time() -> None:
    stage = Stage()
    stage.attach()
    stage.answer(Close("shutdown", "restarting", 5000), now=10.0)
    stage.session.losses.clear()
    stage.connector.tick(15.0)
    stage.opened(15.0)
    stage.welcome(15.0, sid="s2")

    stage.answer(Close("shutdown", "restarting", 60_000), now=20.0)

    assert stage.connector.retry_at == 80.0


def test_a_violation_of_the_server_is_told_to_it() -> None:
    stage = Stage()
    transport = stage.attach()

    stage.connector.received(transport.link, b"\xc1", 1.0)

    assert isinstance(transport.said[-1], Close)
    assert transport.closed
    assert stage.connector.retry_at == 2.0


def test_a_welcome_that_does_not_fit_loses_the_session_and_asks_for_another_at_once() -> None:
    """Rule 13."""
    stage = Stage()
    stage.attach()
    stage.lost(1.0)
    stage.connector.tick(2.0)
    stage.opened(2.0)

    stage.welcome(2.0, resumed=True, received=99)

    assert stage.newest.closed
    assert stage.live is None
    assert stage.connector.retry_at == 2.0
    stage.connector.tick(2.0)
    stage.opened(2.0)
    assert stage.newest.hello.sid is None


def test_a_goodbye_is_written_and_then_the_transport_is_closed() -> None:
    stage = Stage()
    transport = stage.attach()

    stage.session.close(1.0)
    stage.connector.flush(1.0)

    assert transport.said[-1] == Close("closed")
    assert transport.closed
    assert stage.connector.stopped is not None
    assert stage.connector.stopped.code == "closed"


def test_a_goodbye_that_waits_too_long_is_said_by_the_clock() -> None:
    stage = Stage()
    transport = stage.attach()
    stage.session.join("/a")
    stage.session.close(1.0)
    stage.connector.flush(1.0)
    assert not transport.closed

    stage.connector.tick(3.0)

    assert transport.said[-1] == Close("closed")
    assert transport.closed
    assert stage.connector.stopped is not None


def test_a_transport_that_is_lost_under_a_goodbye_is_not_replaced() -> None:
    stage = Stage()
    stage.attach()
    stage.session.join("/a")
    stage.session.close(1.0)
    stage.connector.flush(1.0)

    stage.lost(1.5)

    assert stage.connector.stopped is not None
    assert stage.connector.stopped.code == "closed"
    assert stage.connector.due == NEVER


def test_a_goodbye_whose_session_was_lost_meanwhile_begins_no_other() -> None:
    stage = Stage()
    stage.fall_back()
    stage.connector.tick(1.0)
    stage.opened(1.0)
    stage.answer(Pong(1000, 0), now=1.0)
    stage.session.join("/a")
    stage.session.close(1.0)

    stage.welcome(1.5, sid="s2")

    assert stage.connector.stopped is not None
    assert stage.connector.stopped.code == "closed"
    assert all(transport.closed for transport in stage.transports)


# -- refusals


@pytest.mark.parametrize("code", ["unauthorized", "principal_changed", "version"])
def test_a_refusal_that_will_not_change_by_itself_is_final(code: str) -> None:
    stage = Stage()
    stage.start()
    stage.opened()

    stage.answer(Refuse(code, "because"))

    assert stage.connector.stopped is not None
    assert (stage.connector.stopped.code, stage.connector.stopped.reason) == (code, "because")
    assert stage.newest.closed


def test_a_refusal_says_when_to_come_back() -> None:
    """Rule 26: draining."""
    stage = Stage()
    stage.start()
    stage.opened()

    stage.answer(Refuse("draining", "", 5000), now=1.0)

    assert stage.connector.stopped is None
    assert stage.connector.due == 6.0


def test_a_refusal_that_does_not_say_when_waits_as_after_any_failure() -> None:
    stage = Stage()
    stage.start()
    stage.opened()

    stage.answer(Refuse("try_later"))

    assert stage.connector.due == 1.0


def test_a_stale_attach_is_said_again_at_once_with_a_higher_attempt() -> None:
    """Rule 14."""
    stage = Stage()
    stage.start()
    stage.opened()

    stage.answer(Refuse("stale", "", None, 7), now=1.0)
    stage.connector.tick(1.0)
    stage.opened(1.0)

    assert stage.kinds == ["websocket", "websocket"]
    assert stage.newest.hello.attempt == 8


def test_a_stale_refusal_that_does_not_say_the_last_attempt_still_gets_another() -> None:
    stage = Stage()
    stage.start()
    stage.opened()

    stage.answer(Refuse("stale"))
    stage.connector.tick(0.0)
    stage.opened()

    assert stage.newest.hello.attempt == 2


# -- somebody else has the key


def test_a_fence_by_an_attempt_that_is_not_ours_stops() -> None:
    stage = Stage()
    stage.attach()

    stage.lost(1.0, TransportCode.FENCED, "9")

    assert stage.connector.stopped is not None
    assert stage.connector.stopped.code == "replaced"
    assert stage.session.state is State.DETACHED


@pytest.mark.parametrize("reason", ["1", "", "nine"])
def test_any_other_fence_is_a_loss_like_others(reason: str) -> None:
    stage = Stage()
    stage.attach()

    stage.lost(1.0, TransportCode.FENCED, reason)

    assert stage.connector.stopped is None
    assert stage.connector.retry_at == 2.0


# -- stopping


def test_stopping_closes_every_link_and_tries_no_more() -> None:
    stage = Stage()
    old = stage.fall_back()
    stage.connector.tick(1.0)
    candidate = stage.newest

    stage.connector.stop("closed", "by the application")

    assert old.closed
    assert candidate.closed
    assert stage.live is None
    stage.connector.tick(100.0)
    assert len(stage.kinds) == 3


def test_a_stopped_connector_lets_time_pass_for_its_session() -> None:
    """Rule 11: what waits still has deadlines."""
    stage = Stage()
    stage.session.join("/")
    entry = stage.session.emit(event(1), deadline=5.0)
    assert stage.connector.due == 5.0

    stage.connector.tick(5.0)

    assert stage.session.expired == [entry]


def test_a_stopped_connector_can_be_started_again() -> None:
    stage = Stage()
    stage.fall_back()
    stage.connector.stop("closed")

    stage.connector.start(10.0)

    assert stage.newest.kind == "longpoll"  # what worked last
    assert stage.connector.stopped is None


def test_a_transport_of_before_has_no_say_after_a_stop() -> None:
    stage = Stage()
    transport = stage.attach()
    stage.connector.stop("closed")

    stage.opened(1.0, transport)
    stage.answer(event(1), number=1, by=transport)
    stage.lost(1.0, transport=transport)

    assert stage.connector.stopped is not None
    assert stage.session.inbox.received == 0
    assert stage.kinds == ["websocket"]
