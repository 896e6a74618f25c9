"""The server's half: which attach counts, and how long a session is kept."""

from __future__ import annotations

import pytest

from antiphon.config import Heartbeat, Inbox, Limits, Outbox, Resume
from antiphon.errors import LocalProtocolError
from antiphon.protocol.closing import Ending
from antiphon.protocol.packets import Ack, Close, Hello, Packet, Refuse, Welcome
from antiphon.protocol.server_session import ServerSession, Settings
from antiphon.protocol.session import State
from tests.protocol.wire import CODEC, counted_in, event, events, message, packets_in

NEVER = float("inf")


def open_session(now: float = 0.0, *, settings: Settings | None = None) -> ServerSession:
    return ServerSession("s1", b"proof", CODEC, settings or Settings(epoch="e1"), now, wake=lambda: None)


def hello(attempt: int = 1, *, sid: str | None = "s1", received: int = 0) -> Hello:
    return Hello(key="k", attempt=attempt, sid=sid, received=received)


def welcomed(session: ServerSession, packet: Hello, now: float = 0.0, *, made: str | None = None) -> Welcome:
    answer = session.accept(packet, now, made=made)
    assert isinstance(answer, Welcome)
    return answer


def receive(session: ServerSession, number: int, *packets: Packet) -> None:
    assert session.receive(message(number, *packets), 0.0) is None


# -- attach


def test_a_first_hello_is_welcomed_to_a_new_session() -> None:
    settings = Settings(
        epoch="e1",
        heartbeat=Heartbeat(interval=10, timeout=5),
        resume=Resume(window=60),
        limits=Limits(message=70_000, inbox=Inbox(packets=100, size=5000)),
    )
    session = open_session(settings=settings)

    welcome = welcomed(session, hello(sid=None), made="")

    assert welcome == Welcome(
        epoch="e1",
        sid="s1",
        received=0,
        next=1,
        resumed=False,
        reason=None,
        heartbeat=(10_000, 5_000),
        window=60_000,
        inbox=(100, 5000),
        message=70_000,
    )
    assert session.state is State.ATTACHED


def test_a_session_that_replaces_a_lost_one_says_why_and_how_much_had_arrived() -> None:
    """Rule 22."""
    session = open_session()

    answer = session.accept(hello(sid="s0", received=9), 0.0, made="expired", arrived=7)

    assert isinstance(answer, Welcome)
    assert (answer.resumed, answer.reason, answer.received, answer.next) == (False, "expired", 7, 1)


def test_a_resumed_session_says_what_it_received_and_what_it_sends_next() -> None:
    """Rule 12."""
    session = open_session()
    welcomed(session, hello())
    receive(session, 1, event(1), event(2))
    for number in range(5):
        session.send(event(number))
    session.take(0.0)
    session.detach(1.0)

    welcome = welcomed(session, hello(2, received=3), 2.0)

    assert (welcome.resumed, welcome.reason, welcome.received, welcome.next) == (True, None, 2, 4)
    assert counted_in(session.take(2.0)) == [(4, event(3)), (5, event(4))]


def test_replay_goes_on_after_the_last_ack_when_that_is_higher() -> None:
    """Rule 13: the old transport may have brought an ack after Hello was said."""
    session = open_session()
    welcomed(session, hello())
    for number in range(5):
        session.send(event(number))
    session.take(0.0)
    receive(session, 0, Ack(4))

    welcome = welcomed(session, hello(2, received=3))

    assert welcome.next == 5
    assert events(session.take(0.0)) == [4]


@pytest.mark.parametrize("attempt", [1, 2, 3])
def test_an_attempt_that_is_not_higher_than_the_last_is_stale(attempt: int) -> None:
    """Rules 13, 14; I7: an older attach never displaces a newer one."""
    session = open_session()
    welcomed(session, hello(3))

    answer = session.accept(hello(attempt), 1.0)

    assert isinstance(answer, Refuse)
    assert (answer.code, answer.attempt) == ("stale", 3)
    assert (session.attempt, session.state) == (3, State.ATTACHED)


def test_a_stale_attach_does_not_touch_what_was_received() -> None:
    session = open_session()
    welcomed(session, hello(3))
    for number in range(3):
        session.send(event(number))
    session.take(0.0)

    session.accept(hello(2, received=99), 1.0)

    assert session.ending is None
    session.send(event(3))
    assert events(session.take(1.0)) == [3]


def test_more_received_than_was_ever_sent_ends_the_session() -> None:
    """Rule 13."""
    session = open_session()
    welcomed(session, hello())
    session.send(event(1))
    session.take(0.0)

    answer = session.accept(hello(2, received=2), 1.0)

    assert isinstance(answer, Refuse)
    assert answer.code == "mismatch"
    assert session.ending is not None
    assert session.ending.code == "mismatch"
    assert session.attempt == 1
    assert session.take(1.0) == []


def test_what_a_hello_received_of_another_session_does_not_count() -> None:
    session = open_session()
    welcomed(session, hello(sid=None), made="")
    session.send(event(1))
    session.take(0.0)

    welcomed(session, hello(2, sid=None, received=50), made="")

    assert events(session.take(0.0)) == [1]


def test_an_ended_session_accepts_nobody() -> None:
    session = open_session()
    session.end("kicked")

    with pytest.raises(LocalProtocolError, match="ENDED cannot attach"):
        session.accept(hello(), 0.0)


def test_the_window_is_what_a_client_takes_in() -> None:
    """Rule 8: 1,024 packets."""
    session = open_session()
    welcomed(session, hello())
    for number in range(1100):
        session.send(event(number))

    assert len(events(session.take(0.0))) == 1024


# -- how long it is kept


def test_a_detached_session_is_kept_for_its_window() -> None:
    """Rule 21."""
    session = open_session()
    welcomed(session, hello())
    session.detach(100.0)
    session.tick(100.0)
    assert session.due == 220.0

    session.tick(219.9)
    assert session.ending is None
    session.tick(220.0)

    assert session.ending is not None
    assert session.ending.code == "expired"


def ending_with_its_transport(parting: Ending) -> ServerSession:
    """A session of a wire that has no way to come back, attached."""
    session = open_session()
    session.parting = parting
    welcomed(session, hello())
    return session


def test_a_session_that_nobody_can_come_back_to_ends_with_its_transport() -> None:
    session = ending_with_its_transport(Ending("protocol", "what it said is no message"))

    session.detach(100.0)

    assert session.ending == Ending("protocol", "what it said is no message")


def test_a_session_whose_transport_we_close_for_good_says_why() -> None:
    session = ending_with_its_transport(Ending("expired", "nobody knows why"))

    session.detach(100.0, "nothing was heard for too long")

    assert session.ending == Ending("expired", "nothing was heard for too long")


def test_a_goodbye_under_way_is_how_a_session_ends_that_nobody_can_come_back_to() -> None:
    session = ending_with_its_transport(Ending("expired", "the connection broke off"))
    session.close(99.0, "draining")

    session.detach(100.0)

    assert session.ending is not None and session.ending.code == "draining"


def test_an_attached_session_does_not_expire() -> None:
    session = open_session()
    session.accept(hello(), 0.0, pings=False)

    session.tick(1_000_000.0)

    assert session.ending is None


def test_each_detachment_begins_a_window_of_its_own() -> None:
    session = open_session()
    welcomed(session, hello())
    session.detach(0.0)
    welcomed(session, hello(2), 100.0)
    session.detach(200.0)

    session.tick(319.0)

    assert session.ending is None


def test_a_session_that_nobody_attached_to_expires_as_well() -> None:
    session = open_session(now=0.0)

    session.tick(120.0)

    assert session.ending is not None


def test_a_page_that_closes_shrinks_the_window() -> None:
    """Rule 21: to 10 s."""
    session = open_session()
    welcomed(session, hello())
    session.detach(50.0)

    session.leave(50.0)

    assert session.due == 50.0
    session.tick(59.9)
    assert session.ending is None
    session.tick(60.0)
    assert session.ending is not None


def test_a_leave_that_comes_before_the_detachment_counts_too() -> None:
    session = open_session()
    welcomed(session, hello())
    session.leave(50.0)

    session.detach(51.0)

    session.tick(60.0)
    assert session.ending is not None


def test_a_page_that_closed_by_mistake_comes_back() -> None:
    session = open_session()
    welcomed(session, hello())
    session.detach(50.0)
    session.leave(50.0)

    welcomed(session, hello(2), 55.0)
    session.detach(56.0)

    session.tick(175.0)
    assert session.ending is None


def test_our_own_stall_moves_the_window() -> None:
    """Rule 20."""
    session = open_session()
    welcomed(session, hello())
    session.detach(0.0)

    session.postpone(30.0)

    session.tick(149.0)
    assert session.ending is None
    session.tick(150.0)
    assert session.ending is not None


def test_losing_the_transport_of_a_goodbye_begins_no_window() -> None:
    session = open_session()
    welcomed(session, hello())
    session.send(event(1))
    session.close(0.0)

    session.detach(1.0)

    assert session.ending is not None
    assert session.due == NEVER


def test_a_kick_is_told_with_its_reason() -> None:
    session = open_session()
    welcomed(session, hello())

    session.end("kicked", "by the host")

    assert packets_in(session.take(0.0)) == [Ack(0), Close("kicked", "by the host")]


def test_what_is_kept_for_a_client_is_bounded_detached_too() -> None:
    """Rule 10, I17."""
    session = open_session(settings=Settings(epoch="e1", outbox=Outbox(packets=2)))
    welcomed(session, hello())
    session.detach(0.0)

    for number in range(3):
        session.send(event(number))
    session.take(1.0)

    assert session.ending is not None
    assert session.ending.code == "overflow"
