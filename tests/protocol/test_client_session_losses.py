"""What becomes of everything when a session is lost, or ends by a goodbye."""

from __future__ import annotations

import pytest

from antiphon.config import Outbox
from antiphon.errors import (
    CallAbandoned,
    CallError,
    CallNotSent,
    CallTimeout,
    ConnectionClosed,
)
from antiphon.protocol.client_session import ClientSession, Unconfirmed
from antiphon.protocol.closing import Ending
from antiphon.protocol.membership import Place
from antiphon.protocol.packets import (
    Ack,
    Call,
    Close,
    Event,
    Joined,
    Leave,
    Refused,
    Reply,
    Welcome,
)
from antiphon.protocol.session import State
from tests.protocol.client_sessions import (
    NEVER,
    call,
    emit,
    joined_session,
    let_in,
    open_session,
    receive,
    take,
    told,
    welcome,
)
from tests.protocol.wire import counted_in, event, events, of_size, packets_in

# -- losing a session


def lose(session: ClientSession, *, reason: str = "expired", received: int = 0, sid: str = "s2") -> None:
    """The server does not know the session any more, and makes another."""
    session.detach(1.0)
    assert welcome(session, 2.0, sid=sid, reason=reason, received=received)


def test_a_lost_session_is_reported_with_its_reason() -> None:
    """Rule 22."""
    session = joined_session()

    lose(session, reason="expired")

    (loss,) = session.losses
    assert (loss.reason, loss.unconfirmed, loss.unsent, loss.retry_after) == ("expired", [], [], 0.0)
    assert session.sid == "s2"


def test_a_session_lost_without_a_reason_is_unknown() -> None:
    session = joined_session()
    session.detach(1.0)

    welcome(session, 2.0, sid="s2")

    assert session.losses[0].reason == "unknown"


def test_what_was_sent_without_an_ack_is_reported_and_not_repeated() -> None:
    """Rule 23."""
    session = joined_session()
    emit(session, 1, 2, 3)
    session.take(0.0)
    receive(session, 2, Ack(1))

    lose(session, received=2)

    assert session.losses[0].unconfirmed == [Unconfirmed(event(2), True), Unconfirmed(event(3), False)]
    let_in(session)
    assert events(session.take(2.0)) == []


@pytest.mark.parametrize("reason", ["unknown", "server_restart"])
def test_a_server_that_knows_nothing_of_the_session_cannot_say_what_had_arrived(reason: str) -> None:
    """Rule 23: it may have run."""
    session = joined_session()
    emit(session, 1)
    session.take(0.0)

    lose(session, reason=reason)

    assert session.losses[0].unconfirmed == [Unconfirmed(event(1), None)]


def test_what_never_got_a_number_is_still_queued() -> None:
    """Rule 23."""
    session = joined_session()
    session.detach(0.5)
    emit(session, 1, 2)

    welcome(session, 2.0, sid="s2", reason="expired")
    assert events(session.take(2.0)) == []
    let_in(session)

    assert session.losses[0].unsent == []
    assert events(session.take(2.0)) == [1, 2]


def test_a_latest_value_that_is_safe_to_repeat_is_not_repeated_when_a_newer_one_waits() -> None:
    """Rules 9, 23."""
    session = joined_session()
    emit(session, 1, key="x", repeatable=True)
    take(session)
    emit(session, 2, key="x")

    session.forget("expired")
    welcome(session, 2.0, sid="s2")
    let_in(session)

    assert take(session, 2.0) == [event(2)]


def test_what_is_safe_to_repeat_is_sent_again_marked_redelivered() -> None:
    """Rule 23: redelivered, queued, and what the handler emitted, in this order."""
    session = joined_session()
    emit(session, 1, repeatable=True)
    emit(session, 2)
    session.take(0.0)
    session.detach(0.5)
    emit(session, 3)

    welcome(session, 2.0, sid="s2", reason="expired", received=0)
    emit(session, 4)
    let_in(session)

    assert session.losses[0].unconfirmed == [Unconfirmed(event(2), False)]
    assert take(session, 2.0) == [Event("/", "say", [1], redelivered=True), event(3), event(4)]


def test_the_mark_does_not_make_a_packet_too_large() -> None:
    session = joined_session(outbox=Outbox(size=4000))
    session.emit(of_size(1000), repeatable=True)
    session.take(0.0)

    lose(session)
    let_in(session)

    assert len(take(session, 2.0)) == 1


def test_what_was_sent_again_can_be_lost_and_sent_again() -> None:
    session = joined_session()
    emit(session, 1, repeatable=True)
    session.take(0.0)
    lose(session, sid="s2")
    let_in(session)
    session.take(2.0)

    lose(session, sid="s3")
    let_in(session)

    assert take(session, 2.0) == [Event("/", "say", [1], redelivered=True)]


def test_what_was_for_a_namespace_that_was_left_is_reported() -> None:
    session = joined_session()
    emit(session, 1, repeatable=True)
    session.take(0.0)
    session.detach(0.5)
    emit(session, 2)
    session.leave("/")

    welcome(session, 2.0, sid="s2", reason="expired", received=0)

    assert session.losses[0].unconfirmed == [Unconfirmed(event(1), False)]
    assert session.losses[0].unsent == [event(2)]
    assert take(session, 2.0) == []


def test_queued_joins_and_leaves_are_dropped_and_what_is_wanted_now_comes_first() -> None:
    """Rule 16."""
    session = joined_session()
    session.join("/a")
    session.take(0.0)
    session.detach(0.5)
    session.leave("/a")
    session.join("/b")
    emit(session, 1)

    hello = session.greet()
    session.welcomed(Welcome(epoch="e1", sid="s2", received=0, next=1, resumed=False, reason="expired"), 2.0)

    assert [namespace for namespace, _ in hello.joins] == ["/", "/b"]
    assert take(session, 2.0) == []


def test_numbers_begin_again_in_the_next_session() -> None:
    session = joined_session()
    emit(session, 1)
    session.take(0.0)

    lose(session)
    let_in(session, number=1)
    emit(session, 2)

    assert counted_in(session.take(2.0)) == [(1, event(2))]
    assert session.inbox.received == 1


def test_a_call_that_had_left_has_an_unknown_outcome_when_its_session_is_lost() -> None:
    """Rule 24."""
    session = joined_session()
    _, sent = call(session)
    session.take(0.0)
    receive(session, 2, Ack(1))
    _, unacked = call(session)
    session.take(0.0)

    lose(session)

    assert isinstance(sent[0], CallAbandoned)
    assert isinstance(unacked[0], CallAbandoned)


def test_a_call_that_had_not_left_goes_on_in_the_next_session() -> None:
    session = joined_session()
    session.detach(0.5)
    pending, outcomes = call(session)

    welcome(session, 2.0, sid="s2", reason="expired")
    let_in(session)

    assert outcomes == []
    assert take(session, 2.0) == [pending.entry.packet]
    receive(session, 2, Reply(pending.id, "yes"))
    assert outcomes == ["yes"]


def test_a_call_that_had_not_left_and_has_nowhere_to_go_was_not_sent() -> None:
    session = joined_session()
    session.detach(0.5)
    _, outcomes = call(session)
    session.leave("/")

    welcome(session, 2.0, sid="s2", reason="expired")

    assert isinstance(outcomes[0], CallNotSent)


def test_a_call_that_is_safe_to_repeat_goes_on_in_the_next_session() -> None:
    session = joined_session()
    first, outcomes = call(session, repeatable=True)
    second, _ = call(session, repeatable=True)
    session.take(0.0)

    lose(session)
    let_in(session)

    again = told(take(session, 2.0), Call)
    assert again == [
        Call(first.id, "/", "ask", [], redelivered=True),
        Call(second.id, "/", "ask", [], redelivered=True),
    ]
    receive(session, 2, Reply(first.id, "yes"))
    assert outcomes == ["yes"]


def test_a_repeated_call_that_expires_at_the_gate_may_have_run_before() -> None:
    session = joined_session()
    _, outcomes = call(session, deadline=5.0, repeatable=True)
    session.take(0.0)
    lose(session)

    session.tick(5.0)

    assert isinstance(outcomes[0], CallTimeout)


def test_a_repeated_call_that_is_given_back_may_have_run_before() -> None:
    session = joined_session()
    _, outcomes = call(session, repeatable=True)
    session.take(0.0)
    lose(session)

    session.clear("/")

    assert isinstance(outcomes[0], CallAbandoned)


def test_what_was_received_and_not_handled_is_left_behind() -> None:
    session = joined_session()
    receive(session, 2, event(1), Refused("/x", "no"), event(2), Joined("/y", "socket"))

    lose(session)

    assert session.leave_behind() == [event(1), event(2)]
    assert session.leave_behind() == []
    assert not session.waits


def test_who_was_put_out_does_not_come_back_by_itself() -> None:
    session = joined_session()
    receive(session, 2, Leave("/", "kicked"))
    assert session.waits

    lose(session)

    assert session.members["/"].place is Place.OUT


def test_names_that_were_never_asked_for_are_not_remembered() -> None:
    session = joined_session()
    receive(session, 2, *(Leave(f"/{number}") for number in range(10)))

    lose(session)
    session.put_out("/never")

    assert [name in session.members for name in ("/", "/0", "/9", "/never")] == [True, False, False, False]


def test_a_close_with_a_time_to_come_back_loses_the_session() -> None:
    session = joined_session()
    emit(session, 1)
    session.take(0.0)

    receive(session, 2, Close("shutdown", "restarting", 1500))

    (loss,) = session.losses
    assert (loss.reason, loss.retry_after, loss.unconfirmed) == ("shutdown", 1.5, [Unconfirmed(event(1), None)])
    assert session.retry_after == 1.5
    assert session.state is State.FRESH
    assert session.ending is None
    assert session.greet().joins == (("/", None),)


def test_a_close_without_one_is_final_and_reports_everything() -> None:
    session = joined_session()
    emit(session, 1, repeatable=True)
    session.take(0.0)
    session.outbox.window = session.outbox.window.__class__(packets=1)
    emit(session, 2)
    session.join("/waiting")
    session.emit(event(3, "/waiting"))
    _, outcomes = call(session)
    receive(session, 2, event(100), Close("kicked", "by the host"))

    (loss,) = session.losses
    assert loss.reason == "kicked"
    assert loss.retry_after is None
    assert loss.unconfirmed == [Unconfirmed(event(1), None)]
    assert [packet for packet in loss.unsent if isinstance(packet, Event)] == [event(2), event(3, "/waiting")]
    assert isinstance(outcomes[0], CallNotSent)
    assert session.leave_behind() == [event(100)]
    assert session.ending == Ending("kicked", "by the host")
    assert session.due == NEVER


def test_an_ended_session_takes_nothing_more_until_it_is_begun_anew() -> None:
    session = joined_session()
    session.end("kicked", "by the host")

    with pytest.raises(ConnectionClosed, match="kicked"):
        emit(session, 1)
    with pytest.raises(ConnectionClosed):
        call(session)

    session.renew()
    assert session.ending is None
    emit(session, 2)
    welcome(session, 2.0, sid="s2")
    let_in(session)
    assert take(session, 2.0) == [event(2)]


def test_an_ended_session_asks_for_no_more_ticks() -> None:
    session = joined_session()
    session.end("kicked")

    session.tick(1.0)

    assert session.due == NEVER


def test_the_client_ends_a_session_in_which_the_server_broke_the_protocol_and_begins_another() -> None:
    session = joined_session()

    session.receive(b"\xc1", 1.0)

    assert [loss.reason for loss in session.losses] == ["protocol"]
    assert session.state is State.FRESH
    (close,) = packets_in(session.take(1.0))[-1:]
    assert isinstance(close, Close)
    assert close.code == "protocol"


# -- saying goodbye


def closing_session() -> ClientSession:
    session = joined_session()
    emit(session, 1)
    session.close(0.0, "closed", "bye")
    session.take(0.0)
    return session


def test_a_goodbye_reports_what_was_not_acked_in_time() -> None:
    session = closing_session()

    session.tick(2.0)

    (loss,) = session.losses
    assert (loss.reason, loss.unconfirmed) == ("closed", [Unconfirmed(event(1), None)])


def test_whoever_said_goodbye_does_not_come_back_whatever_the_server_says() -> None:
    session = closing_session()

    receive(session, 2, Close("shutdown", "restarting", 1500))

    assert session.state is State.ENDED
    assert session.losses[0].retry_after is None


def test_a_goodbye_moves_over_to_another_transport() -> None:
    session = closing_session()

    assert welcome(session, 0.5, resumed=True, received=0, next=2)

    assert events(session.take(0.5)) == [1]
    receive(session, 2, Ack(1))
    assert told(packets_in(session.take(0.6)), Close) == [Close("closed", "bye")]
    assert session.ending == Ending("closed", "bye")


def test_a_goodbye_to_a_session_that_was_lost_begins_no_other() -> None:
    session = closing_session()

    assert not welcome(session, 0.5, sid="s2", reason="expired")

    assert session.ending == Ending("closed", "bye")
    assert len(session.losses) == 1


def test_a_goodbye_under_a_welcome_that_does_not_fit_is_final_too() -> None:
    session = closing_session()

    assert not welcome(session, 0.5, resumed=True, received=99)

    assert session.ending == Ending("closed", "bye")


def test_a_cancelled_call_at_the_gate_is_not_sent() -> None:
    session = open_session()
    session.join("/")
    pending, outcomes = call(session)

    session.cancel(pending)

    assert [type(outcome) for outcome in outcomes] == [CallError]
    assert session.members.packets == 0
