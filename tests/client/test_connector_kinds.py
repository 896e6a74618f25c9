"""Three kinds of transports: which is tried when, beside which, and for how long."""

from __future__ import annotations

import pytest

from antiphon.protocol.packets import Ping, Pong, Refuse
from tests.client.stage import Stage

ALL = ("websocket", "sse", "longpoll")


def lowest(stage: Stage, now: float = 0.0) -> None:
    """Be attached on the last kind, since the others do not work."""
    stage.start(now)
    for _ in stage.connector._kinds[1:]:
        stage.lost(now)
    stage.opened(now)
    stage.welcome(now)
    assert stage.live is not None and stage.live.kind == "longpoll"


# -- falling back


def test_when_one_kind_fails_the_next_is_tried_at_once() -> None:
    stage = Stage(kinds=ALL)

    lowest(stage)

    assert stage.kinds == list(ALL)


def test_a_stream_has_4_s_for_its_welcome_when_something_else_is_left() -> None:
    """A proxy that keeps back what it is sent until the end would swallow it for ever."""
    stage = Stage(kinds=ALL)
    stage.start()
    stage.lost(0.0)
    stage.opened(0.0)

    stage.connector.tick(3.9)
    assert not stage.newest.closed
    stage.connector.tick(4.0)

    assert stage.kinds == list(ALL)
    assert stage.transports[1].closed


def test_a_stream_that_is_the_last_choice_has_10_s_for_its_welcome() -> None:
    stage = Stage(kinds=("websocket", "sse"))
    stage.start()
    stage.lost(0.0)
    stage.opened(0.0)

    stage.connector.tick(9.9)

    assert not stage.newest.closed


# -- moving up


def test_beside_the_last_kind_every_better_one_is_tried() -> None:
    """Where WebSockets are blocked, a stream is still better than polls."""
    stage = Stage(kinds=ALL)
    lowest(stage)

    stage.connector.tick(1.0)
    assert stage.newest.kind == "websocket"
    stage.lost(1.5)
    assert stage.newest.kind == "sse"
    better = stage.opened(1.5)
    assert better.said == [Ping(1500)]
    stage.answer(Pong(1500, 0), now=1.6)
    stage.welcome(1.7, resumed=True)

    assert stage.live is better


def test_when_every_better_kind_failed_the_next_try_waits_twice_as_long() -> None:
    stage = Stage(kinds=ALL)
    lowest(stage)
    now = 0.0
    waits: list[float] = []
    for _ in range(7):
        before, opened = now, len(stage.kinds)
        while len(stage.kinds) == opened:
            now += 0.5
            stage.session.heartbeat.heard = now
            stage.connector.tick(now)
        waits.append(now - before)
        stage.lost(now)
        stage.lost(now)

    assert stage.kinds[3:] == ["websocket", "sse"] * 7
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_beside_a_stream_only_what_is_better_is_tried() -> None:
    stage = Stage(kinds=ALL)
    stage.start()
    stage.lost(0.0)
    stage.opened(0.0)
    stage.welcome(0.0)

    stage.connector.tick(1.0)
    stage.lost(1.0)

    assert stage.kinds == ["websocket", "sse", "websocket"]
    assert stage.connector.candidate is None


def test_a_better_kind_that_hangs_makes_way_for_the_next_after_10_s() -> None:
    stage = Stage(kinds=ALL)
    lowest(stage)
    stage.connector.tick(1.0)

    stage.session.heartbeat.heard = 11.0
    stage.connector.tick(11.0)

    assert stage.kinds[3:] == ["websocket", "sse"]


def test_a_probe_that_a_proxy_keeps_back_fences_nothing() -> None:
    stage = Stage(kinds=ALL)
    lowest(stage)
    old = stage.live
    stage.connector.tick(1.0)
    stage.lost(1.0)
    stage.opened(1.0)

    stage.session.heartbeat.heard = 6.0
    stage.connector.tick(6.0)

    assert stage.newest.closed
    assert stage.newest.said == [Ping(1000)]
    assert stage.live is old


def test_a_refusal_beside_a_live_transport_tries_nothing_else() -> None:
    """Every kind leads to the same server."""
    stage = Stage(kinds=ALL)
    lowest(stage)
    stage.connector.tick(1.0)
    stage.opened(1.0)
    stage.answer(Pong(1000, 0), now=1.0)

    stage.answer(Refuse("try_later"), now=1.1)

    assert stage.kinds[3:] == ["websocket"]


# -- coming back


@pytest.mark.parametrize("worked", ALL)
def test_what_worked_last_is_tried_first_when_the_application_starts_again(worked: str) -> None:
    stage = Stage(kinds=ALL)
    stage.start()
    while stage.newest.kind != worked:
        stage.lost(0.0)
    stage.opened(0.0)
    stage.welcome(0.0)
    stage.connector.stop("closed")
    opened = len(stage.kinds)

    stage.start(100.0)
    stage.opened(100.0)
    stage.welcome(100.0, resumed=True)
    assert stage.kinds[opened:] == [worked]
    stage.connector.tick(101.0)

    # And what is better is sought beside it.
    assert stage.kinds[opened + 1 :] == (["websocket"] if worked != "websocket" else [])


def test_what_never_worked_is_no_reason_to_skip_what_is_better() -> None:
    stage = Stage(kinds=ALL)
    stage.start()
    stage.lost(0.0)
    stage.connector.stop("closed")

    stage.start(1.0)

    assert stage.newest.kind == "websocket"


def test_when_what_worked_last_fails_all_are_tried_from_the_first() -> None:
    stage = Stage(kinds=ALL)
    lowest(stage)
    stage.connector.stop("closed")
    stage.start(100.0)

    stage.lost(100.0)
    stage.connector.tick(stage.connector.retry_at)

    assert stage.kinds[3:] == ["longpoll", "websocket"]
