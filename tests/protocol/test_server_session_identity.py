"""Whose session it is: credentials are asked for in time, expire, and are proved anew."""

from __future__ import annotations

from antiphon.protocol.closing import Closing
from antiphon.protocol.identity import Identity, Principal
from antiphon.protocol.packets import Hello, Packet, Renew, Welcome
from antiphon.protocol.server_session import ServerSession, Settings
from antiphon.protocol.session import State
from tests.protocol.wire import CODEC, event, events, packets_in

NEVER = float("inf")


def ann(until: float, now: float = 0.0) -> Identity:
    """Ann, who is known until then. Both clocks show the same."""
    return Identity(Principal("ann", expires=until), now=now, wall=now)


def attach(session: ServerSession, now: float, *, attempt: int = 1, identity: Identity | None = None) -> None:
    answer = session.accept(Hello(key="k", attempt=attempt, sid="s1"), now, pings=False, identity=identity)
    assert isinstance(answer, Welcome)
    session.take(now)
    session.tick(now)


def attached(identity: Identity | None = None) -> ServerSession:
    session = ServerSession("s1", b"proof", CODEC, Settings(epoch="e1"), 0.0, wake=lambda: None)
    attach(session, 0.0, identity=identity)
    return session


def tick(session: ServerSession, now: float) -> tuple[list[Packet], str | None]:
    """What is said, and how the transport is to be closed."""
    closing: Closing | None = session.tick(now)
    return packets_in(session.take(now)), None if closing is None else closing.code.name


def test_an_attach_proves_who_it_is() -> None:
    session = attached(ann(100.0))

    assert session.identity.id == "ann"


def test_an_attach_that_proves_nothing_leaves_it_as_it_was() -> None:
    session = attached(ann(100.0))

    attach(session, 5.0, attempt=2)

    assert session.identity.id == "ann"


def test_a_late_attach_proves_nothing() -> None:
    session = attached(ann(100.0))

    session.accept(Hello(key="k", attempt=1, sid="s1"), 5.0, identity=ann(900.0))

    assert session.identity.ends_at == 100.0


def test_fresh_credentials_are_asked_for_in_time_and_once() -> None:
    session = attached(ann(100.0))
    assert session.due <= 75.0

    assert tick(session, 74.0) == ([], None)
    assert tick(session, 75.0) == ([Renew()], None)
    assert tick(session, 76.0) == ([], None)


def test_nobody_is_asked_while_detached() -> None:
    session = attached(ann(100.0))
    session.detach(10.0)

    session.tick(110.0)

    assert session.outbox.packets == 0
    assert session.ending is None


def test_expired_credentials_close_the_transport_and_keep_the_session() -> None:
    session = attached(ann(100.0))
    tick(session, 75.0)

    assert tick(session, 100.0) == ([], "EXPIRED")

    assert session.ending is None


def test_whoever_was_never_looked_after_in_time_is_not_asked_any_more() -> None:
    session = attached(ann(100.0))

    assert tick(session, 100.0) == ([], "EXPIRED")


def test_an_attach_with_fresh_credentials_goes_on_where_the_old_ones_expired() -> None:
    session = attached(ann(100.0))
    session.tick(100.0)
    session.detach(100.0)
    session.send(event(1))

    session.accept(Hello(key="k", attempt=2, sid="s1"), 130.0, pings=False, identity=ann(500.0, now=130.0))

    assert events(session.take(130.0)) == [1]
    assert tick(session, 131.0) == ([], None)
    assert session.identity.due == 440.0


def test_fresh_credentials_move_the_expiry() -> None:
    session = attached(ann(100.0))

    session.renewed(ann(1000.0, now=90.0), 90.0)

    assert session.due <= 90.0
    assert tick(session, 100.0) == ([], None)
    assert tick(session, 940.0) == ([Renew()], None)


def test_a_goodbye_is_not_cut_short() -> None:
    session = attached(ann(100.0))
    session.send(event(1))
    session.take(99.0)
    session.close(99.0)

    assert session.tick(100.0) is None

    assert session.state is State.CLOSING


def test_our_own_stall_moves_the_expiry() -> None:
    session = attached(ann(100.0))

    session.postpone(30.0)

    assert tick(session, 100.0) == ([], None)
    assert tick(session, 105.0) == ([Renew()], None)
    assert tick(session, 130.0) == ([], "EXPIRED")


# -- while a Hello is looked into


def test_the_window_does_not_close_while_a_hello_is_looked_into() -> None:
    """Rule 13."""
    session = attached()
    session.detach(0.0)
    session.hold()

    session.tick(120.0)

    assert session.ending is None
    assert session.due == NEVER


def test_a_hello_that_was_refused_leaves_the_window_as_it_was() -> None:
    session = attached()
    session.detach(0.0)
    session.hold()
    session.hold()
    session.tick(120.0)

    session.release(121.0)
    session.tick(121.0)
    assert session.ending is None

    session.release(122.0)
    assert session.due == 122.0
    session.tick(122.0)

    assert session.ending is not None
    assert session.ending.code == "expired"


def test_a_window_that_was_held_in_time_goes_on() -> None:
    session = attached()
    session.detach(0.0)
    session.hold()
    session.release(5.0)

    session.tick(5.0)

    assert session.due == 120.0
