"""What a Socket.IO client says becomes packets of ours, counted; what breaks its protocol ends its session."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.config import Limits
from antiphon.dialects.socketio.codec import SocketioCodec
from antiphon.dialects.socketio.members import MORE
from antiphon.errors import RemoteProtocolError
from antiphon.protocol import packets as p
from antiphon.protocol.codec import Broken, Message
from tests.dialects.socketio.rig import (
    KEY,
    PID,
    claiming,
    codec,
    heard,
    joined,
    recovering,
    refusal,
    resumed,
)

# -- hello


def test_the_first_connect_is_a_hello() -> None:
    made = SocketioCodec(Limits(), key=KEY, attempt=7)

    assert made.decode('40/admin,{"token":"123"}') == Message(
        1,
        0,
        [p.Hello(key=KEY, attempt=7, auth={"token": "123"}, joins=(("/admin", {"token": "123"}),))],
    )
    assert made.claim is None


def test_every_other_connect_is_a_join() -> None:
    assert joined().decode('40/admin,{"token":"x"}') == Message(1, 1, [p.Join("/admin", {"token": "x"})])


@pytest.mark.parametrize("data", ['42["a"]', "430[]", "41", '451-["a",{"_placeholder":true,"num":0}]', "41/a,"])
def test_a_connect_comes_first(data: str) -> None:
    assert "CONNECT first" in refusal(codec(), data)


def test_an_attachment_does_not_come_first_either() -> None:
    assert refusal(codec(), b"x") == "a binary message came where no attachment was announced"


# -- what is said


def test_packets_are_counted_as_they_come() -> None:
    made = joined("/", "/a")  # one of them was a join

    assert made.decode('42["a",1]') == Message(2, 1, [p.Event("/", "a", [1])])
    assert made.decode("43/a,5[7]") == Message(3, 1, [p.Reply(5, 7)])
    assert made.decode("3") == Message(4, 0, [])
    assert made.decode("41/a,") == Message(4, 1, [p.Leave("/a")])


def test_an_event_with_an_id_is_a_call_under_an_id_of_ours() -> None:
    made = joined("/", "/a")

    assert heard(made, '420["ask"]') == [p.Call(1, "/", "ask", [])]
    assert heard(made, '42/a,0["ask",1]') == [p.Call(2, "/a", "ask", [1])]


@pytest.mark.parametrize(
    ("values", "value"), [("[]", None), ("[7]", 7), ("[[]]", []), ("[null]", None), ("[1,2]", [1, 2]), ('["a"]', "a")]
)
def test_an_acknowledgement_is_one_value_several_or_none(values: str, value: Any) -> None:
    assert heard(joined(), f"435{values}") == [p.Reply(5, value)]


def test_an_acknowledgement_of_what_we_never_ask_is_nothing() -> None:
    assert joined().decode("430[]") == Message(1, 0, [])


def test_an_event_is_heard_with_its_last_attachment() -> None:
    made = joined()

    assert made.decode('452-["a",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]') == Message(1, 0, [])
    assert made.decode(b"x") == Message(1, 0, [])
    message = made.decode("beQ==")
    assert message == Message(1, 1, [p.Event("/", "a", [b"y", b"x"])], weight=message.weight)
    assert message.weight > 60


def test_attachments_of_who_is_not_in_are_not_waited_for() -> None:
    assert "CONNECT first" in refusal(joined(), '451-/a,["a",{"_placeholder":true,"num":0}]')


def test_a_call_and_an_acknowledgement_may_hold_bytes() -> None:
    made = joined()

    made.decode('451-0["a",{"_placeholder":true,"num":0}]')
    assert heard(made, b"x") == [p.Call(1, "/", "a", [b"x"])]
    made.decode('461-5["a",{"_placeholder":true,"num":0}]')
    assert heard(made, b"x") == [p.Reply(5, ["a", b"x"])]


def test_the_msgpack_parser_says_the_same() -> None:
    made = codec(msgpack=True)

    def say(**packet: Any) -> list[p.Packet]:
        return heard(made, msgspec.msgpack.encode(packet))

    assert say(type=0, nsp="/") == [p.Hello(key=KEY, attempt=1, joins=(("/", None),))]
    made.encode(p.Joined("/", "S1"))
    assert say(type=2, nsp="/", data=["a", b"x"]) == [p.Event("/", "a", [b"x"])]
    assert say(type=2, nsp="/", data=["a"], id=0) == [p.Call(1, "/", "a", [])]
    assert say(type=1, nsp="/") == [p.Leave("/")]
    assert "do both sides have it?" in refusal(made, '42["a"]')


def test_what_is_no_value_of_ours_breaks_its_packet_alone() -> None:
    made = joined()

    event, call, reply = [heard(made, f"{head}{10**400}]")[0] for head in ('42["a",', '420["a",', "435[")]

    assert isinstance(event, Broken) and (event.kind, event.call) == (p.Event, None)
    assert isinstance(call, Broken) and (call.kind, call.call) == (p.Call, 1)
    assert isinstance(reply, Broken) and (reply.kind, reply.call) == (p.Reply, 5)
    assert made.decode('42["b"]').number == 4


def test_what_breaks_a_limit_breaks_its_packet_alone() -> None:
    made, long = joined(), "x" * (Limits().name + 1)

    [event], [call] = heard(made, f'42["{long}"]'), heard(made, f'420["{long}"]')
    [reply] = heard(made, "435[" + "[" * 100 + "]" * 100 + "]")

    assert isinstance(event, Broken) and (event.kind, event.call, event.limit) == (p.Event, None, "name")
    assert isinstance(call, Broken) and (call.kind, call.call, call.limit) == (p.Call, 1, "name")
    assert isinstance(reply, Broken) and (reply.kind, reply.call, reply.limit) == (p.Reply, 5, "depth")


# -- Engine.IO


def test_a_pong_answers_the_ping_before_it() -> None:
    made = joined()
    made.encode(p.Ping(17))

    assert heard(made, "3") == [p.Pong(17, 17)]
    assert heard(made, "3") == []


def test_a_noop_is_nothing_and_a_close_is_the_end() -> None:
    made = joined()

    assert heard(made, "6") == []
    assert heard(made, "1") == [p.Close("closed", "the client closed the connection")]


def test_a_client_does_not_ping() -> None:
    assert refusal(joined(), "2") == "a ping came from the client; in EIO=4 the server pings"


@pytest.mark.parametrize("data", ["", "0", "0{}", "2probe", "3probe", "5", "7", "abc", "1x", " ", "²"])
def test_what_is_no_packet_of_a_client_ends_its_session(data: str) -> None:
    assert refusal(joined(), data) == "no packet of Engine.IO that a client sends on a transport of its own"


def test_attachments_come_from_one_ping_to_the_next() -> None:
    made = joined()
    made.decode('451-["a"]')

    made.encode(p.Ping(1))
    made.decode("3")

    assert refusal(made, "3") == "the attachments of a packet did not come from one ping to the next"


def test_each_packet_has_its_own_time_for_attachments() -> None:
    made = joined()

    for _ in range(3):
        made.decode('451-["a"]')
        made.decode("3")
        made.decode(b"x")

    assert made.decode("3").packets == []


# -- coming and going


def test_who_connects_twice_before_it_is_answered_is_answered_once() -> None:
    made = joined()
    made.decode("40/a,")

    assert heard(made, "40/a,") == []


def test_who_connects_where_it_is_leaves_first() -> None:
    assert heard(joined(), '40{"token":1}') == [p.Leave("/"), p.Join("/", {"token": 1})]


@pytest.mark.parametrize("data", ['42/a,["a"]', "43/a,1[]", "41/a,"])
def test_nothing_is_said_where_a_client_is_not_in(data: str) -> None:
    assert "CONNECT first" in refusal(joined(), data)
    made = joined()
    made.decode("40/a,")
    assert "CONNECT first" in refusal(made, data)


def test_who_was_refused_may_ask_again() -> None:
    made = joined()
    made.decode("40/a,")
    made.encode(p.Refused("/a", "full"))

    assert heard(made, "40/a,") == [p.Join("/a")]


@pytest.mark.parametrize(
    "data", ['42/a,["a"]', '42/a,0["a"]', "43/a,1[]", "41/a,"], ids=["event", "call", "ack", "leave"]
)
def test_what_crossed_on_the_way_with_being_put_out_is_dropped(data: str) -> None:
    made = joined("/", "/a")
    made.encode(p.Leave("/a"))

    assert made.decode(data) == Message(2, 0, [])
    assert heard(made, "40/a,") == [p.Join("/a")]


def test_so_many_namespaces_may_be_asked_for_and_no_more() -> None:
    made = joined(made=codec(Limits(namespaces=3)))
    for number in range(2 + MORE):
        made.decode(f"40/{number},")

    assert "more namespaces were asked for" in refusal(made, "40/more,")


def test_so_many_calls_may_wait_and_no_more() -> None:
    limits = Limits()
    made = joined(made=codec(limits))
    for number in range(limits.calls):
        made.decode(f'42{number}["ask"]')

    assert refusal(made, '420["ask"]') == f"{limits.calls} events wait for their acknowledgement already"


def test_a_secret_never_shows() -> None:
    assert KEY not in repr(recovering("/"))


# -- whatever is said


PIECES = ["40", "42", "43", "451-", "460-", "41", "/a,", "/", ",", "7", '["a"]', "{}", "[]", "3", "2", "b", "AQ==", "-"]
PIECES += ["?", "\x1e", "\ud800", '"pid"', PID, "e1.1", "9" * 20, '{"_placeholder":true,"num":0}', claiming("/a")]


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=5).map("".join) | st.binary(max_size=3), max_size=8))
def test_only_a_remote_protocol_error_comes_out_of_whatever_is_said(said: list[str | bytes]) -> None:
    made = recovering("/", "/a")
    resumed(made, None)
    number = 2

    for data in said:
        try:
            message = made.decode(data)
        except RemoteProtocolError as error:
            assert error.code == "protocol" and len(error.message.encode()) < 1000
            break
        assert message.number == number
        number += message.counted


def test_who_has_left_everything_is_nowhere() -> None:
    made = joined()
    assert made.joined

    made.decode("41")

    assert not made.joined
