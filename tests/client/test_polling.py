"""Long-polling from the client's end: which requests, with what in them, and what becomes of their answers."""

from __future__ import annotations

import pytest

from antiphon.client.polling import PollingPort
from antiphon.client.requests import HttpRequest, Told
from antiphon.protocol.closing import TransportCode
from antiphon.protocol.packets import Ack, Hello, Packet, Pong, Refuse, Welcome
from antiphon.types import Data
from tests.protocol.wire import CODEC, event, message, packets_in

HELLO = message(0, Hello(key="the-secret-key", attempt=3))
WELCOME = message(0, Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False))


class Asker:
    """What polls and headers are made from."""

    key = "the-secret-key"

    def __init__(self) -> None:
        self.attempt = 3
        self.handed = 0

    def progress(self) -> Ack:
        return Ack(self.handed)


class Http:
    """Keeps the requests that a port makes."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.asker = Asker()
        self.port = PollingPort(CODEC, self.asker, self.requests.append)

    @property
    def verbs(self) -> list[str]:
        return [request.verb for request in self.requests]

    def answer(self, verb: str, status: int = 200, body: Data = b"", reason: str = "") -> Told:
        """Answer the newest request of this kind."""
        request = next(request for request in reversed(self.requests) if request.verb == verb)
        return self.port.answered(request.token, status, body, reason)

    def said(self, request: HttpRequest) -> list[Packet]:
        return packets_in([request.body])


def attached() -> Http:
    http = Http()
    http.port.write(HELLO)
    assert http.answer("attach", body=WELCOME) == Told(message=WELCOME)
    http.port.poll()
    return http


# -- attaching


def test_a_hello_is_an_attach_that_tells_the_key_in_its_body_only() -> None:
    http = Http()

    http.port.write(HELLO)

    (request,) = http.requests
    assert (request.verb, request.headers, request.body) == ("attach", (), HELLO)
    assert http.port.congested


def test_a_welcome_opens_the_first_poll() -> None:
    http = attached()

    assert http.verbs == ["attach", "poll"]
    assert not http.port.congested


@pytest.mark.parametrize(
    "answer",
    [message(0, Refuse("stale")), message(0, Pong(1, 2)), message(0), b"\xc1"],
    ids=["refuse", "pong", "nothing", "noise"],
)
def test_any_other_answer_goes_to_the_connector_and_opens_none(answer: Data) -> None:
    http = Http()
    http.port.write(HELLO)

    assert http.answer("attach", body=answer) == Told(message=answer)
    http.port.poll()

    assert http.verbs == ["attach"]
    assert not http.port.congested


def test_another_hello_may_follow_the_pong_of_a_probe() -> None:
    http = Http()
    http.port.write(message(0, Pong(1, 2)))
    http.answer("attach", body=message(0, Pong(1, 2)))

    http.port.write(HELLO)

    assert http.verbs == ["attach", "attach"]


# -- credentials


def test_every_request_carries_sid_key_attempt_and_a_growing_number() -> None:
    """Rule 18; wire.md, HTTP."""
    http = attached()
    http.port.write(message(1, event(1)))

    poll, push = (dict(request.headers) for request in http.requests[1:])

    assert poll == {
        "Antiphon-Session": "s1",
        "Antiphon-Key": "the-secret-key",
        "Antiphon-Attempt": "3",
        "Antiphon-Request": poll["Antiphon-Request"],
    }
    assert int(push["Antiphon-Request"]) > int(poll["Antiphon-Request"])


def test_the_key_does_not_show_in_a_request() -> None:
    """Rule 1."""
    http = attached()

    assert not any("the-secret-key" in repr(request) for request in http.requests)
    assert "'poll'" in repr(http.requests[-1])


def test_the_attempt_is_the_one_that_was_said_in_its_own_hello() -> None:
    """Another attach may be under way beside it."""
    http = attached()
    http.asker.attempt = 4

    http.port.write(message(1, event(1)))

    assert dict(http.requests[-1].headers)["Antiphon-Attempt"] == "3"


# -- polls


def test_a_poll_carries_the_ack() -> None:
    """Rule 18."""
    http = attached()
    http.asker.handed = 7
    http.answer("poll", body=message(1, event(1)))

    http.port.poll()

    assert http.said(http.requests[-1]) == [Ack(7)]


def test_one_poll_is_open_at_a_time() -> None:
    http = attached()

    http.port.poll()
    http.port.poll()

    assert http.verbs == ["attach", "poll"]


def test_a_poll_that_brought_nothing_is_followed_by_another() -> None:
    """Rule 19."""
    http = attached()

    assert http.answer("poll", status=204) == Told()
    http.port.poll()

    assert http.verbs == ["attach", "poll", "poll"]


def test_the_client_waits_longer_for_a_poll_than_the_server_holds_it() -> None:
    http = attached()

    assert http.requests[-1].timeout > 20.0


# -- pushes


def test_one_push_is_in_flight_at_a_time() -> None:
    """Rule 18: the rest waits in the outbox meanwhile."""
    http = attached()
    http.port.write(message(1, event(1)))
    assert http.port.congested

    told = http.answer("push", body=message(0, Ack(1)))

    assert told == Told(message=message(0, Ack(1)))
    assert not http.port.congested


def test_a_poll_and_a_push_do_not_wait_for_each_other() -> None:
    http = attached()
    http.port.write(message(1, event(1)))

    told = http.answer("poll", body=message(1, event(5)))

    assert told.message is not None
    assert http.port.congested


# -- what goes wrong


def test_a_fenced_request_says_which_attempt_took_over() -> None:
    """Rule 18: another attempt is answered `fenced`."""
    http = attached()

    told = http.answer("poll", status=409, reason="fenced:9")

    assert told == Told(lost=True, code=TransportCode.FENCED, reason="9")


@pytest.mark.parametrize(
    ("verb", "status", "reason"),
    [
        ("poll", 401, "unknown session"),
        ("poll", 409, "silent:no poll came"),
        ("poll", 500, "fenced:9"),
        ("push", 413, ""),
        ("push", 204, ""),
    ],
)
def test_any_other_status_loses_the_transport(verb: str, status: int, reason: str) -> None:
    http = attached()
    http.port.write(message(1, event(1)))

    told = http.answer(verb, status=status, reason=reason)

    assert (told.lost, told.code, told.message) == (True, 0, None)


def test_an_attach_that_is_turned_away_loses_the_transport() -> None:
    http = Http()
    http.port.write(HELLO)

    assert http.answer("attach", status=503).lost


@pytest.mark.parametrize("verb", ["poll", "push"])
def test_a_request_without_an_answer_loses_the_transport(verb: str) -> None:
    http = attached()
    http.port.write(message(1, event(1)))
    request = next(request for request in http.requests if request.verb == verb)

    assert http.port.failed(request.token) == Told(lost=True)


def test_only_the_answer_to_the_newest_poll_is_read() -> None:
    """Rule 18."""
    http = attached()
    old = http.requests[-1]
    http.answer("poll", status=204)
    http.port.poll()

    assert http.port.answered(old.token, 200, message(1, event(1))) == Told()
    assert http.port.failed(old.token) == Told()


# -- the end


def test_nothing_is_asked_for_or_told_after_it_was_closed() -> None:
    """I6: a fenced transport has no effect."""
    http = attached()
    http.port.write(message(1, event(1)))

    http.port.close()

    assert http.answer("push", body=message(0, Ack(1))) == Told()
    assert http.answer("poll", body=message(1, event(1))) == Told()
    assert http.port.failed(http.requests[-1].token) == Told()
    http.port.poll()
    http.port.write(message(2, event(2)))
    assert http.verbs == ["attach", "poll", "push"]
    assert http.port.congested
