"""What a Socket.IO client says becomes packets of ours, counted; what breaks its protocol ends its session."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.config import Limits
from antiphon.dialects.socketio.codec import SocketioCodec
from antiphon.dialects.socketio.engine import write_payload
from antiphon.dialects.socketio.frames import messages_of
from antiphon.dialects.socketio.members import MORE
from antiphon.dialects.socketio.recovery import Place
from antiphon.errors import RemoteProtocolError
from antiphon.protocol import packets as p
from antiphon.protocol.codec import Broken, Message
from tests.dialects.socketio.rig import KEY, codec, joined, recovering, refusal, told


def heard(made: SocketioCodec, data: str | bytes) -> list[p.Packet]:
    return made.decode(data).packets


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


# -- coming back


# By the number of the CONNECT: "/" is asked for first in these tests, and then "/a".
PID, SECOND, THIRD = f"sid.{KEY}.1", f"sid.{KEY}.2", f"sid.{KEY}.3"


def events(made: SocketioCodec, *names: str, namespace: str = "/") -> list[str | bytes]:
    return told(made, *(p.Event(namespace, name, []) for name in names))


def claiming(namespace: str = "/", offset: str | None = None, pid: str = PID) -> str:
    auth = {"pid": pid} if offset is None else {"pid": pid, "offset": offset}
    return f"40{'' if namespace == '/' else namespace + ','}{msgspec.json.encode(auth).decode()}"


def resumed(made: SocketioCodec, offset: str | None, namespace: str = "/", pid: str = PID) -> list[str]:
    """What the client is sent first when it comes on another transport; the codec of that one only reads its claim."""
    other = recovering(attempt=2)
    other.decode(claiming(namespace, offset, pid))
    assert other.claim is not None
    frames = made.resume(other.claim.place)
    assert frames is not None
    return write_payload(messages_of(frames)).split("\x1e")


def test_a_hello_with_a_pid_is_for_that_session() -> None:
    made = recovering(attempt=2)

    [hello] = heard(made, claiming(offset="e1.3"))

    assert hello == p.Hello(key=KEY, attempt=2, sid="sid", joins=(("/", None),))
    assert made.claim is not None and made.claim.place == ("/", "e1.3", "1")


def test_who_cannot_go_on_begins_anew_with_a_key_of_its_own() -> None:
    made = recovering(attempt=2)
    [hello] = heard(made, claiming(pid="other." + "o" * 43))
    assert isinstance(hello, p.Hello) and hello.key == "o" * 43

    fresh = made.afresh(hello)

    assert (fresh.sid, fresh.key, fresh.attempt, fresh.joins) == (None, KEY, 2, hello.joins)
    assert made.claim is None


def test_without_recovery_a_pid_is_the_users_own() -> None:
    [hello] = heard(codec(), claiming())

    assert isinstance(hello, p.Hello) and (hello.sid, hello.auth) == (None, {"pid": PID})


def test_what_was_missed_comes_behind_the_answer() -> None:
    made = recovering("/")
    events(made, "a", "b", "c")

    assert resumed(made, "e1.1") == [f'40{{"sid":"S1","pid":"{PID}"}}', '42["b","e1.2"]', '42["c","e1.3"]']
    assert heard(made, '42["x"]') == [p.Event("/", "x", [])]


def test_a_quiet_client_comes_back_as_well() -> None:
    made = recovering("/")

    assert resumed(made, None) == [f'40{{"sid":"S1","pid":"{PID}"}}']


def test_so_does_one_that_heard_a_volatile_event_last() -> None:
    made = recovering("/")
    events(made, "a")
    assert told(made, p.Volatile("/", "v", ["a string"])) == ['42["v","a string","e1.1"]']
    events(made, "b")

    assert resumed(made, "e1.1")[1] == '42["b","e1.2"]'


def test_it_may_come_back_again_and_again() -> None:
    made = recovering("/")

    for round in range(3):
        events(made, "a")
        assert len(resumed(made, f"e1.{round}" if round else None)) == 2


def test_bytes_are_sent_again_as_they_were() -> None:
    made = recovering("/")
    told(made, p.Event("/", "a", [b"x"]))

    assert resumed(made, None)[1:] == ['451-["a",{"_placeholder":true,"num":0},"e1.1"]', "beA=="]


@pytest.mark.parametrize("offset", [None, "e1.1", "e1.9"])
def test_who_missed_what_is_not_kept_cannot_go_on(offset: str | None) -> None:
    made = recovering("/", packets=2)
    events(made, "a", "b", "c", "d")
    other = recovering()
    other.decode(claiming(offset=offset))
    assert other.claim is not None

    assert made.missed(other.claim.place) is None
    assert made.resume(other.claim.place) is None
    assert heard(made, '42["x"]') == [p.Event("/", "x", [])], "nothing has changed"


def test_nobody_goes_on_where_it_never_was() -> None:
    other = recovering()
    other.decode(claiming("/a"))
    assert other.claim is not None

    assert recovering("/").missed(other.claim.place) is None
    assert joined("/").missed(other.claim.place) is None
    assert joined("/").resume(other.claim.place) is None


def test_what_was_begun_on_the_old_transport_is_not_continued() -> None:
    made = recovering("/")
    made.decode('451-["a"]')
    made.encode(p.Ping(1))

    resumed(made, None)

    assert heard(made, "3") == []
    assert refusal(made, b"x") == "a binary message came where no attachment was announced"


# -- in several namespaces


def test_each_other_namespace_is_asked_for_again() -> None:
    made = recovering("/", "/a")
    events(made, "one", "two", namespace="/a")
    resumed(made, None)
    assert events(made, "three", namespace="/a") == [], "it is held back"

    assert made.decode(claiming("/a", "e1.1", SECOND)) == Message(2, 0, [p.Ping(0)])
    assert told(made, p.Pong(0, 0)) == [
        f'40/a,{{"sid":"S2","pid":"{SECOND}"}}',
        '42/a,["two","e1.2"]',
        '42/a,["three","e1.3"]',
    ]
    assert told(made, p.Pong(0, 0)) == []
    assert events(made, "four", namespace="/a") == ['42/a,["four","e1.4"]']
    assert resumed(made, "e1.2", "/a", SECOND)[1] == '42/a,["three","e1.3"]'


def test_until_then_nothing_is_said_there() -> None:
    made = recovering("/", "/a")
    resumed(made, None)

    assert "CONNECT first" in refusal(made, '42/a,["x"]')


@pytest.mark.parametrize(
    "connect",
    [
        "40/a,",
        claiming("/a", "e1.9", SECOND),
        claiming("/a", pid="other." + KEY),
        claiming("/a", pid="sid." + "o" * 43),
    ],
)
def test_who_cannot_go_on_there_leaves_and_comes_anew(connect: str) -> None:
    made = recovering("/", "/a")
    events(made, "one", namespace="/a")
    resumed(made, None)
    events(made, "two", namespace="/a")

    assert made.decode(connect) == Message(2, 2, [p.Leave("/a"), p.Join("/a")])
    assert told(made, p.Joined("/a", "S3")) == [f'40/a,{{"sid":"S3","pid":"{THIRD}"}}']
    assert made.missed(Place("/a", "e1.0", "2")) is None, "that was of the stay before"
    assert resumed(made, "e1.0", "/a", THIRD) == [f'40/a,{{"sid":"S3","pid":"{THIRD}"}}']


def test_what_was_asked_for_before_the_cut_is_asked_for_anew() -> None:
    made = recovering("/")
    made.decode("40/a,")
    resumed(made, None)

    assert told(made, p.Joined("/a", "S2")) == [], "its client does not wait for that any more"
    assert heard(made, "40/a,") == [p.Leave("/a"), p.Join("/a")]
    assert told(made, p.Joined("/a", "S3")) == [f'40/a,{{"sid":"S3","pid":"{THIRD}"}}']


def test_who_is_in_and_claims_that_it_was_cut_comes_anew() -> None:
    made = recovering("/", "/a")

    assert heard(made, claiming("/a")) == [p.Leave("/a"), p.Join("/a")]


def test_who_does_not_ask_again_has_left_after_a_while() -> None:
    made = recovering("/", "/a")
    resumed(made, None)

    assert heard(made, "3") == []
    assert heard(made, "3") == [p.Leave("/a")]
    assert heard(made, "40/a,") == [p.Join("/a")]


def test_who_answers_a_ping_has_what_was_sent_before_it() -> None:
    made = recovering("/")
    events(made, "one")
    made.encode(p.Ping(1))
    events(made, "two")

    made.decode("3")

    assert made.missed(Place("/", "e1.0", "1")) is None
    assert made.missed(Place("/", "e1.1", "1")) is not None


def test_a_second_cut_loses_nothing_either() -> None:
    made = recovering("/", "/a")
    resumed(made, None)
    events(made, "one", namespace="/a")

    assert resumed(made, None, "/a", SECOND) == [f'40/a,{{"sid":"S2","pid":"{SECOND}"}}', '42/a,["one","e1.1"]']
    assert heard(made, claiming("/")) == [p.Ping(0)]


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
