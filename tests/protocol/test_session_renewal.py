"""Fresh credentials on the living session: they are told as they arrive."""

from __future__ import annotations

from typing import Any

from antiphon.protocol.packets import Renew
from tests.protocol.sessions import deliver_all, open_session, receive
from tests.protocol.wire import event


def test_a_renewal_is_told_as_it_arrives_whatever_waits_before_it() -> None:
    session = open_session()
    told: list[Any] = []
    session.on_renew = told.append

    receive(session, 1, event(1), Renew({"token": "new"}))

    assert told == [{"token": "new"}]
    assert deliver_all(session) == [event(1)]


def test_where_nobody_asks_for_credentials_a_renewal_harms_nobody() -> None:
    session = open_session()

    assert receive(session, 1, Renew("new")) is None
