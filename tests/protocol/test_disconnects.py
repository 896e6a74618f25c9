"""Why a socket is gone: a record of words that both ends share."""

from __future__ import annotations

import dataclasses

import pytest

from antiphon.protocol.closing import DELIBERATE, Ending
from antiphon.protocol.disconnects import DisconnectCode, Disconnected


def test_a_reason_is_readable_as_text() -> None:
    assert str(Disconnected(DisconnectCode.EXPIRED)) == "expired"
    assert str(Disconnected(DisconnectCode.PUT_OUT, "be nice")) == "put_out: be nice"


def test_a_code_is_the_word_of_the_wire() -> None:
    assert Disconnected.by("draining", "the server stops") == Disconnected(DisconnectCode.DRAINING, "the server stops")
    assert Disconnected.by("draining").code == "draining"


def test_a_word_of_a_newer_peer_stays_readable() -> None:
    assert Disconnected.by("eclipsed", "it is dark") == Disconnected(DisconnectCode.OTHER, "eclipsed: it is dark")
    assert Disconnected.by("eclipsed") == Disconnected(DisconnectCode.OTHER, "eclipsed")


def test_a_session_that_ends_takes_its_sockets_along() -> None:
    assert Disconnected.with_session(Ending("overflow", "too slow", 1.0)) == Disconnected(
        DisconnectCode.OVERFLOW, "too slow"
    )
    assert Disconnected.with_session(None) == Disconnected(DisconnectCode.CLOSED)


def test_a_reason_does_not_change() -> None:
    reason = Disconnected(DisconnectCode.LEFT)

    with pytest.raises(dataclasses.FrozenInstanceError):
        reason.reason = "another"  # type: ignore[misc]  # that is what is tested


def test_what_ends_on_purpose_has_words_of_the_list() -> None:
    assert set(map(DisconnectCode, DELIBERATE)) <= set(DisconnectCode)
