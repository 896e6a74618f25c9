"""Credentials for each attach: asked for first, in their own time; and what it means when they are refused."""

from __future__ import annotations

import pytest

from antiphon.client.connector import Link
from antiphon.protocol.packets import Close, Event, Pong, Refuse
from tests.client.stage import NEVER, Stage


class Asking(Stage):
    """A stage whose application is asked for credentials, and takes its time."""

    def __init__(self) -> None:
        self.asked: list[Link] = []
        super().__init__(ask=self.asked.append)

    def give(self, auth: str = "token", now: float = 0.0) -> None:
        self.connector.authorized(self.asked[-1], auth, now)


def queued(stage: Stage, number: int = 1) -> None:
    """The application emits while there is no connection."""
    stage.session.join("/")
    stage.session.emit(Event("/", "say", [number]))


def test_an_attach_carries_what_the_application_gives() -> None:
    stage = Asking()
    stage.connector.start(0.0)
    stage.give("fresh")

    hello = stage.opened().hello

    assert hello.auth == "fresh"


def test_nothing_is_opened_before_there_are_credentials_and_that_takes_nothing_of_its_time() -> None:
    stage = Asking()
    stage.connector.start(0.0)
    stage.connector.tick(20.0)
    assert stage.transports == []

    stage.give(now=20.0)

    assert stage.kinds == ["websocket"]
    assert stage.connector.due == 22.0


def test_they_are_asked_for_anew_with_every_attach() -> None:
    stage = Asking()
    stage.connector.start(0.0)
    stage.give("first")
    stage.opened()
    stage.welcome()
    stage.lost(1.0)
    stage.connector.tick(stage.connector.retry_at)

    stage.give("second", 5.0)

    assert len(stage.asked) == 2
    assert stage.opened(5.0).hello.auth == "second"


def test_an_application_without_credentials_at_the_moment_is_asked_again_later() -> None:
    stage = Asking()
    stage.connector.start(0.0)

    stage.connector.unauthorized(stage.asked[0], 0.0)

    assert stage.connector.candidate is None
    assert stage.connector.retry_at == 1.0
    stage.connector.tick(1.0)
    stage.give(now=1.0)
    assert stage.kinds == ["websocket"]


def test_an_application_that_does_not_answer_is_asked_again_after_30_seconds() -> None:
    stage = Asking()
    stage.connector.start(0.0)
    assert stage.connector.due == 30.0

    stage.connector.tick(30.0)

    assert stage.connector.candidate is None
    assert stage.connector.retry_at < NEVER


def test_credentials_that_come_too_late_open_nothing() -> None:
    stage = Asking()
    stage.connector.start(0.0)
    stage.connector.tick(30.0)

    stage.give(now=31.0)
    stage.connector.unauthorized(stage.asked[0], 31.0)

    assert stage.transports == []
    assert stage.connector.retry_at < NEVER


def test_the_living_transport_goes_on_while_credentials_for_a_better_one_are_asked_for() -> None:
    stage = Asking()
    stage.connector.start(0.0)
    stage.give()
    stage.lost()
    stage.give()
    stage.opened()
    stage.welcome()
    stage.connector.tick(1.0)
    assert len(stage.asked) == 3

    stage.connector.unauthorized(stage.asked[-1], 1.0)

    assert stage.live is not None
    assert stage.connector.due <= 31.0
    stage.connector.tick(31.0)
    assert len(stage.asked) == 4


def test_losing_the_living_transport_does_not_wait_for_credentials_of_another() -> None:
    stage = Asking()
    stage.connector.start(0.0)
    stage.give()
    stage.lost()
    stage.give()
    live = stage.opened()
    stage.welcome()
    stage.connector.tick(1.0)

    stage.lost(2.0, transport=live)

    assert stage.connector.candidate is None
    assert stage.connector.retry_at < NEVER


# -- refusals


def test_whoever_is_refused_as_unauthorized_stops_and_keeps_what_waits() -> None:
    stage = Stage()
    stage.attach()
    stage.lost(1.0)
    queued(stage)
    stage.connector.tick(stage.connector.retry_at)
    stage.opened(2.0)

    stage.answer(Refuse("unauthorized", "the token is stale"), now=2.0)

    assert stage.connector.stopped is not None
    assert (stage.connector.stopped.code, stage.connector.stopped.reason) == ("unauthorized", "the token is stale")
    assert stage.session.ending is None
    assert stage.session.losses == []

    stage.connector.start(10.0)
    stage.opened(10.0)
    stage.welcome(10.0, resumed=True)
    assert stage.live is not None


@pytest.mark.parametrize("code", ["principal_changed", "revoked", "closed"])
def test_whoever_is_not_the_same_any_more_stops_and_empties_the_outbox(code: str) -> None:
    """Rule 17."""
    stage = Stage()
    stage.attach()
    stage.lost(1.0)
    queued(stage)
    stage.connector.tick(stage.connector.retry_at)
    stage.opened(2.0)

    stage.answer(Refuse(code, "somebody else"), now=2.0)

    assert stage.connector.stopped is not None
    assert stage.connector.stopped.code == code
    [loss] = stage.session.losses
    assert (loss.reason, loss.retry_after) == (code, None)
    assert loss.unsent == [Event("/", "say", [1])]
    assert stage.session.outbox.packets == stage.session.members.packets == 0


def test_whoever_became_somebody_else_says_goodbye_on_the_living_transport() -> None:
    stage = Stage()
    live = stage.fall_back()
    stage.connector.tick(1.0)
    stage.opened(1.0)
    stage.answer(Pong(1000, 1), now=1.0)

    stage.answer(Refuse("principal_changed", "somebody else"), now=1.0)

    assert [packet.code for packet in live.said if isinstance(packet, Close)] == ["principal_changed"]
    assert live.closed
    assert stage.connector.stopped is not None


def test_whoever_was_sent_away_begins_anew_when_the_application_says_so() -> None:
    stage = Stage()
    stage.attach()
    stage.lost(1.0)
    stage.connector.tick(stage.connector.retry_at)
    stage.opened(2.0)
    stage.answer(Refuse("revoked"), now=2.0)

    stage.session.renew()
    stage.connector.start(10.0)

    assert stage.opened(10.0).hello.sid is None
