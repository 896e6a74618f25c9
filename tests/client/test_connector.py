"""Which transport to open when, and what is written to it."""

from __future__ import annotations

import pytest

from antiphon.config import Outbox
from antiphon.protocol.packets import Join, Joined, Leave, Pong
from antiphon.protocol.session import State
from antiphon.types import Data
from tests.client.stage import NEVER, Stage
from tests.protocol.wire import event, events, message

# -- the first attach


def test_a_first_attach_says_hello_once_the_transport_is_open_and_is_live_after_welcome() -> None:
    """Rule 12."""
    stage = Stage()
    transport = stage.start()
    assert transport.said == []

    stage.opened()
    assert (transport.hello.attempt, transport.hello.auth, transport.hello.sid) == (1, None, None)
    assert stage.live is None

    stage.welcome()
    assert stage.live is transport
    assert stage.session.state is State.ATTACHED


def test_what_waits_leaves_with_the_welcome() -> None:
    """Rule 12: one round trip from open transport to first event."""
    stage = Stage()
    transport = stage.start()
    stage.opened()
    stage.session.join("/late")

    stage.welcome()

    assert transport.said[-1] == Join("/late")


def test_starting_twice_opens_one_transport() -> None:
    stage = Stage()
    stage.start()

    stage.start(1.0)

    assert stage.kinds == ["websocket"]


def test_a_transport_is_opened_once_whatever_it_says() -> None:
    stage = Stage()
    transport = stage.start()
    stage.opened()

    stage.opened()

    assert len(transport.written) == 1


def test_before_it_is_open_nothing_is_read() -> None:
    stage = Stage()
    stage.start()

    stage.welcome()

    assert stage.live is None
    assert stage.kinds == ["websocket"]


# -- falling back


def test_a_first_kind_that_fails_is_followed_by_the_next_at_once() -> None:
    stage = Stage()
    stage.start()

    stage.lost(0.5)

    assert stage.kinds == ["websocket", "longpoll"]
    assert stage.transports[0].closed


def test_a_first_kind_that_is_not_open_in_2_s_is_followed_by_the_next() -> None:
    stage = Stage()
    stage.start(10.0)
    assert stage.connector.due == 12.0

    stage.connector.tick(11.9)
    assert stage.kinds == ["websocket"]
    stage.connector.tick(12.0)

    assert stage.kinds == ["websocket", "longpoll"]
    assert stage.transports[0].closed


def test_the_last_kind_has_10_s() -> None:
    stage = Stage(kinds=["websocket"])
    stage.start()

    stage.connector.tick(9.9)
    assert not stage.newest.closed
    stage.connector.tick(10.0)

    assert stage.newest.closed


def test_a_server_that_does_not_answer_hello_has_10_s() -> None:
    stage = Stage()
    stage.start()
    stage.opened(1.0)

    stage.connector.tick(10.9)
    assert stage.kinds == ["websocket"]
    stage.connector.tick(11.0)

    assert stage.kinds == ["websocket", "longpoll"]


def test_when_all_kinds_failed_it_waits_and_begins_with_the_first() -> None:
    stage = Stage()
    stage.start()
    stage.lost(0.0)
    stage.lost(0.0)
    assert stage.kinds == ["websocket", "longpoll"]
    assert stage.connector.due == 1.0

    stage.connector.tick(0.9)
    assert len(stage.kinds) == 2
    stage.connector.tick(1.0)

    assert stage.kinds == ["websocket", "longpoll", "websocket"]


def test_each_failure_waits_longer() -> None:
    stage = Stage(kinds=["websocket"])
    stage.start()
    waits = []
    now = 0.0
    for _ in range(5):
        stage.lost(now)
        waits.append(stage.connector.due - now)
        now = stage.connector.due
        stage.connector.tick(now)

    assert waits == [1.0, 1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("noise", [b"\xc1", message(0), message(0, Pong(1, 1)), message(1, event(1))])
def test_an_answer_that_is_none_is_a_failure_of_this_transport(noise: Data) -> None:
    stage = Stage()
    stage.start()
    stage.opened()

    stage.connector.received(stage.newest.link, noise, 0.0)

    assert stage.transports[0].closed
    assert stage.kinds == ["websocket", "longpoll"]


# -- reconnecting


def test_a_lost_transport_is_replaced_after_a_wait_by_one_of_the_same_kind() -> None:
    stage = Stage()
    stage.attach()

    stage.lost(5.0)

    assert stage.session.state is State.DETACHED
    assert stage.connector.due <= 6.0
    stage.connector.tick(6.0)
    stage.opened(6.0)
    assert stage.newest.hello.sid == "s1"
    assert stage.newest.hello.attempt == 2
    stage.welcome(6.0, resumed=True)
    assert stage.live is stage.newest


def test_the_kind_that_worked_a_moment_ago_comes_first() -> None:
    stage = Stage()
    stage.fall_back()

    stage.lost(0.5)
    stage.connector.tick(stage.connector.retry_at)

    assert stage.kinds == ["websocket", "longpoll", "longpoll"]


def test_what_was_emitted_meanwhile_leaves_after_the_next_welcome() -> None:
    stage = Stage()
    stage.session.join("/")
    stage.attach()
    stage.answer(Joined("/", "socket"), number=1)
    stage.session.deliver()
    stage.session.joined("/", "socket")
    stage.session.open("/")
    stage.lost(1.0)
    stage.session.emit(event(1))
    stage.session.emit(event(2))

    stage.connector.tick(2.0)
    stage.opened(2.0)
    stage.welcome(2.0, resumed=True)

    assert events(stage.newest.written) == [1, 2]


def test_a_session_that_was_attached_for_long_comes_back_soon() -> None:
    stage = Stage(kinds=["websocket"])
    stage.start()
    for _ in range(5):
        stage.lost(0.0)
        stage.connector.tick(stage.connector.due)
    stage.opened(100.0)
    stage.welcome(100.0)

    stage.lost(130.0)

    assert stage.connector.retry_at == 131.0


def test_a_transport_that_is_lost_twice_is_lost_once() -> None:
    stage = Stage()
    transport = stage.attach()
    stage.lost(1.0)
    due = stage.connector.due

    stage.lost(1.5, transport=transport)

    assert stage.connector.due == due


def test_a_silent_transport_is_given_up() -> None:
    """Rule 20."""
    stage = Stage()
    transport = stage.attach()

    stage.connector.tick(40.0)

    assert transport.closed
    assert stage.session.state is State.DETACHED


def test_a_gap_closes_the_transport_and_the_session_attaches_again() -> None:
    """Rule 6."""
    stage = Stage()
    transport = stage.attach()

    stage.answer(event(9), number=9)

    assert transport.closed
    assert stage.session.state is State.DETACHED
    assert stage.connector.retry_at == 1.0


def test_a_message_of_a_transport_that_is_gone_is_not_read() -> None:
    """Rule 18."""
    stage = Stage()
    transport = stage.attach()
    stage.lost(1.0)

    stage.answer(event(1), number=1, by=transport)

    assert stage.session.inbox.received == 0


# -- offline and online


def test_offline_drops_everything_and_waits_for_online() -> None:
    stage = Stage()
    transport = stage.attach()

    stage.connector.offline(5.0)
    stage.connector.tick(1000.0)

    assert transport.closed
    assert stage.session.state is State.DETACHED
    assert stage.kinds == ["websocket"]

    stage.connector.online(1000.0, 0.5)
    assert stage.connector.retry_at == 1000.5
    stage.connector.tick(1000.5)
    assert stage.kinds == ["websocket", "websocket"]


def test_offline_drops_an_attach_that_is_under_way() -> None:
    stage = Stage()
    transport = stage.start()

    stage.connector.offline(1.0)

    assert transport.closed
    assert stage.connector.due == NEVER


def test_starting_offline_waits_for_online() -> None:
    stage = Stage()
    stage.connector.offline(0.0)
    stage.connector.start(1.0)
    assert stage.kinds == []

    stage.connector.online(2.0)
    stage.connector.tick(2.0)

    assert stage.kinds == ["websocket"]


def test_online_hurries_and_never_delays() -> None:
    stage = Stage(kinds=["websocket"])
    stage.start()
    stage.lost(0.0)
    assert stage.connector.retry_at == 1.0

    stage.connector.online(0.5, 10.0)
    assert stage.connector.retry_at == 1.0
    stage.connector.online(0.5, 0.1)
    assert stage.connector.retry_at == 0.6


def test_online_changes_nothing_while_connected_or_stopped() -> None:
    stage = Stage()
    stage.connector.online(0.0)
    assert stage.connector.retry_at == NEVER

    stage.attach()
    stage.connector.online(1.0)
    assert stage.connector.retry_at == NEVER


# -- writing


def test_nothing_is_taken_while_the_transport_is_congested() -> None:
    """Rule 9: what waits can still be replaced."""
    stage = Stage()
    transport = stage.attach()
    transport.congested = True
    stage.session.join("/a")

    stage.connector.flush(1.0)
    assert Join("/a") not in transport.said

    transport.congested = False
    stage.connector.flush(1.0)
    assert Join("/a") in transport.said


def test_an_outbox_that_stays_nearly_full_closes_the_transport() -> None:
    """Rule 10."""
    stage = Stage(outbox=Outbox(packets=4))
    transport = stage.attach()
    transport.congested = True
    for number in range(4):
        stage.session.join(f"/{number}")
    stage.connector.flush(1.0)

    stage.connector.tick(6.0)

    assert transport.closed
    assert stage.session.state is State.DETACHED


def test_without_a_transport_nothing_is_written_and_nothing_forgotten() -> None:
    stage = Stage()
    stage.session.join("/")
    stage.connector.flush(0.0)
    stage.attach()
    stage.lost(1.0)
    stage.session.leave("/")
    stage.connector.flush(1.5)

    stage.connector.tick(2.0)
    stage.opened(2.0)
    stage.welcome(2.0, resumed=True)

    assert Leave("/") in stage.newest.said


def test_an_http_transport_gets_one_message_at_a_time() -> None:
    stage = Stage()
    transport = stage.fall_back()
    before = len(transport.written)
    for number in range(100):
        stage.session.send(Join(f"/{number}", bytes(20_000)))

    stage.connector.flush(1.0)

    assert len(transport.written) == before + 1


def test_an_ended_session_that_is_flushed_closes_its_transport() -> None:
    stage = Stage(outbox=Outbox(packets=1))
    transport = stage.attach()
    transport.congested = True
    for number in range(200):
        stage.session.send(Leave(f"/{number}"))

    stage.connector.flush(1.0)

    assert transport.closed
    assert [loss.reason for loss in stage.session.losses] == ["overflow"]
    assert stage.connector.retry_at == 2.0
