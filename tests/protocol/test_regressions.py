"""What the simulation found in the protocol, each as the shortest story that shows it."""

from __future__ import annotations

from antiphon.config import Inbox as Bounds
from antiphon.errors import CallAbandoned
from antiphon.protocol.inbox import Inbox
from antiphon.protocol.membership import Place
from antiphon.protocol.packets import Ack, Call, Close, Event, Hello, Joined, Leave, Refused, Welcome
from antiphon.protocol.session import State
from tests.protocol.client_sessions import call, emit, joined_session, open_session, receive, take, told, welcome
from tests.protocol.wire import event, message, read


def test_an_ack_does_not_wait_for_its_time_while_a_small_window_is_full() -> None:
    """Without it a peer may send four events in five seconds."""
    pressing: list[bool] = []
    inbox = Inbox(Bounds(packets=4, size=1 << 20), lambda: pressing.append(True))

    data = message(1, *map(event, range(4)))
    inbox.accept(read(data), len(data), 0.0)
    inbox.hand_over()
    assert not pressing
    inbox.hand_over()

    assert pressing


def test_a_namespace_left_and_joined_again_while_hello_was_under_way_goes_by_the_second_answer() -> None:
    session = open_session()
    session.join("/")
    session.greet()
    session.leave("/")
    session.welcomed(Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False), 0.0)
    session.join("/", "another name")

    first, second = session.joined("/", "socket"), session.refused("/")

    assert (first, second) == (None, [])
    assert session.members["/"].place is Place.REFUSED


def test_being_put_out_does_not_undo_a_join_that_came_after_it() -> None:
    session = joined_session()
    session.leave("/")
    session.join("/")

    session.put_out("/")

    assert session.members["/"].place is Place.JOINING


def test_who_was_put_out_and_has_not_read_it_does_not_ask_again_in_the_next_session() -> None:
    session = joined_session()
    receive(session, 2, Leave("/", "out with you"))

    receive(session, 3, Close("overflow", "", 1000))

    assert session.greet().joins == ()


def test_unread_answers_to_the_joins_of_a_lost_session_say_nothing_about_the_next() -> None:
    session = open_session()
    session.join("/")
    session.join("/closed")
    welcome(session)
    receive(session, 1, Joined("/", "socket"), Refused("/closed", "no"), Event("/", "say", [1]))

    receive(session, 4, Close("overflow", "", 1000))

    assert session.leave_behind() == [Event("/", "say", [1])]
    assert [name for name, _ in session.greet().joins] == ["/", "/closed"]


def test_a_call_that_was_to_be_sent_again_and_is_given_back_may_have_run() -> None:
    session = joined_session()
    _, outcomes = call(session, repeatable=True)
    take(session)
    receive(session, 2, Close("overflow", "", 1000))

    session.leave("/")

    assert [type(outcome) for outcome in outcomes] == [CallAbandoned]


def test_what_was_to_be_sent_again_is_unconfirmed_when_the_next_session_is_the_last() -> None:
    session = joined_session()
    emit(session, 7, repeatable=True)
    take(session)
    receive(session, 2, Close("overflow", "", 1000))
    welcome(session, sid="s2")

    receive(session, 1, Close("closed"))

    loss = session.losses[-1]
    assert loss.unsent == []
    assert [(packet.args, arrived) for packet, arrived in loss.unconfirmed if isinstance(packet, Event | Call)] == [
        ([7], None)
    ]


def test_a_goodbye_goes_on_over_the_transport_that_takes_over() -> None:
    session = joined_session()
    emit(session, 1)
    take(session)
    session.close(0.0)

    welcome(session, 0.5, resumed=True, next=2)

    assert session.state is State.CLOSING
    assert told(take(session, 0.5), Event) == [event(1)]
    receive(session, 2, Ack(1), now=0.6)
    assert told(take(session, 0.6), Close) != []


def test_a_client_that_was_welcomed_once_says_so_when_it_begins_anew() -> None:
    """A Hello with neither sid nor epoch repeats a lost first one, and may be answered with the same session."""
    session = joined_session()
    receive(session, 2, Close("overflow", "", 1000))

    hello: Hello = session.greet()

    assert (hello.sid, hello.epoch) == (None, "e1")
