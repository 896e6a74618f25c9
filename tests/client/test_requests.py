"""What every HTTP transport of a client does: credentials from the Welcome on, and what a bad end says."""

from __future__ import annotations

import pytest

from antiphon.client.requests import HttpRequest, Requests, Told, lost_by
from antiphon.protocol.closing import TransportCode
from antiphon.protocol.packets import Hello, Packet, Pong, Refuse, Welcome
from tests.protocol.wire import CODEC, message

HELLO = message(0, Hello(key="the-secret-key", attempt=3))
WELCOME = Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False)


class Owner:
    """Whom the requests speak for."""

    key = "the-secret-key"
    attempt = 3


def asking() -> tuple[Requests, list[HttpRequest], Owner]:
    made: list[HttpRequest] = []
    owner = Owner()
    return Requests(CODEC, owner, made.append), made, owner


def test_a_first_request_has_no_headers_and_any_number_of_them_may_come() -> None:
    requests, made, _ = asking()

    tokens = [requests.first("stream", HELLO, 5.0), requests.first("stream", HELLO, 5.0)]

    assert [(request.token, request.verb, request.headers, request.body, request.timeout) for request in made] == [
        (token, "stream", (), HELLO, 5.0) for token in tokens
    ]
    assert tokens == [1, 2]


def test_a_later_request_has_credentials_and_a_growing_number() -> None:
    """Rule 18. The attempt is the one of its own Hello: another attach may be under way beside it."""
    requests, made, owner = asking()
    requests.first("attach", HELLO, 5.0)
    requests.look_for_welcome(message(0, WELCOME))
    owner.attempt = 4

    token = requests.later("push", b"", 5.0)

    assert made[-1].token == token
    assert dict(made[-1].headers) == {
        "Antiphon-Session": "s1",
        "Antiphon-Key": "the-secret-key",
        "Antiphon-Attempt": "3",
        "Antiphon-Request": str(token),
    }
    assert "the-secret-key" not in repr(made[-1])


@pytest.mark.parametrize(
    ("answer", "attached"), [(WELCOME, True), (Refuse("stale"), False), (Pong(1, 2), False), (None, False)]
)
def test_a_welcome_attaches_and_nothing_else(answer: Packet | None, attached: bool) -> None:
    requests, _, _ = asking()

    requests.look_for_welcome(message(0, answer) if answer is not None else message(0))

    assert requests.attached == attached


def test_what_cannot_be_read_is_left_to_the_connector() -> None:
    requests, _, _ = asking()

    requests.look_for_welcome(b"\xc1")

    assert not requests.attached


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("fenced:9", Told(lost=True, code=TransportCode.FENCED, reason="9")),
        ("silent:no poll came", Told(lost=True, reason="silent:no poll came")),
        ("", Told(lost=True)),
    ],
)
def test_a_bad_end_says_which_attempt_took_over_if_one_did(reason: str, told: Told) -> None:
    assert lost_by(reason) == told
