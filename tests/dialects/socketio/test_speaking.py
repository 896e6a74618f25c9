"""What is said to a Socket.IO client: each packet of ours as its frames, and nothing where the wire has no word."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.dialects.socketio.engine import write_payload
from antiphon.dialects.socketio.frames import messages_of
from antiphon.dialects.socketio.recovery import Place, Sent
from antiphon.errors import PayloadError
from antiphon.protocol import packets as p
from antiphon.protocol.refusals import no_namespace
from tests.dialects.socketio.rig import KEY, codec, joined, recovering, told

SILENT: list[p.Packet] = [
    p.Ack(1),
    p.Cancel(1),
    p.Credit(1, 0, 5),
    p.Item(1, 0, "x"),
    p.End(1, 0),
    p.Renew(),
    p.Pong(1, 2),
    p.Failed(1, "error"),
    p.Reply(1, "x"),
    p.Join("/"),
    p.Hello(key=KEY, attempt=1),
    p.Joined("/b", "s"),
    p.Refused("/b", "no"),
    p.Leave("/b"),
]


@pytest.mark.parametrize("packet", SILENT, ids=lambda packet: type(packet).__name__)
def test_where_the_wire_has_no_word_nothing_is_said(packet: p.Packet) -> None:
    assert joined().encode(packet) == b""


def test_an_event_is_said_where_it_happened() -> None:
    assert told(joined(), p.Event("/", "foo", []), p.Event("/admin", "foo", [1, None])) == [
        '42["foo"]',
        '42/admin,["foo",1,null]',
    ]


def test_a_volatile_event_is_one_like_any_other() -> None:
    assert told(joined(), p.Volatile("/", "pose", [1.5])) == ['42["pose",1.5]']


def test_bytes_come_behind_their_event() -> None:
    assert told(joined(), p.Event("/", "a", [b"\x01"]), p.Event("/", "b", [])) == [
        '451-["a",{"_placeholder":true,"num":0}]',
        b"\x01",
        '42["b"]',
    ]


def test_a_call_asks_for_an_acknowledgement_of_its_own_id() -> None:
    assert told(joined(), p.Call(13, "/admin", "ask", [1], 5000)) == ['42/admin,13["ask",1]']


def test_what_is_encoded_for_one_is_what_is_encoded_for_all() -> None:
    packets: list[p.Packet] = [p.Event("/", "a", [b"x"]), p.Volatile("/", "b", [1]), p.Call(5, "/", "c", [])]

    for packet in packets:
        assert joined("/", "/a").encode(packet) == joined("/").encode(packet)


@pytest.mark.parametrize(
    "packet", [p.Event("/", "disconnect", []), p.Volatile("/", "connect", []), p.Call(1, "/", "newListener", [])]
)
def test_what_a_client_would_end_its_connection_for_is_not_said(packet: p.Packet) -> None:
    with pytest.raises(PayloadError, match="rename it"):
        joined().encode(packet)


# -- acknowledgements


@pytest.mark.parametrize(
    ("value", "acknowledgement"),
    [
        ("ok", '4313["ok"]'),
        (None, "4313[]"),
        ([1, 2], "4313[[1,2]]"),
        ((1, "2", {"3": [False]}), '4313[1,"2",{"3":[false]}]'),
        ((), "4313[]"),
        ((None,), "4313[null]"),
        ("", '4313[""]'),
        (False, "4313[false]"),
    ],
)
def test_a_reply_is_one_value_several_or_none(value: Any, acknowledgement: str) -> None:
    made = joined()
    [call] = made.decode('4213["ask"]').packets
    assert isinstance(call, p.Call)

    assert told(made, p.Reply(call.id, value)) == [acknowledgement]


def test_a_reply_may_hold_bytes() -> None:
    made = joined("/admin")
    [call] = made.decode('42/admin,15["ask"]').packets
    assert isinstance(call, p.Call)

    assert told(made, p.Reply(call.id, ("bar", b"x"))) == ['461-/admin,15["bar",{"_placeholder":true,"num":0}]', b"x"]


def test_a_call_is_acknowledged_once() -> None:
    made = joined()
    [call] = made.decode('420["ask"]').packets
    assert isinstance(call, p.Call)

    assert told(made, p.Reply(call.id, 1), p.Reply(call.id, 2)) == ["430[1]"]


def test_a_call_that_failed_is_not_acknowledged() -> None:
    made = joined()
    [call] = made.decode('420["ask"]').packets
    assert isinstance(call, p.Call)

    assert told(made, p.Failed(call.id, "error", "no"), p.Reply(call.id, 1)) == []


def test_who_has_left_is_acknowledged_nothing() -> None:
    made = joined("/", "/a")
    [call] = made.decode('42/a,0["ask"]').packets
    assert isinstance(call, p.Call)
    made.decode("41/a,")

    assert told(made, p.Reply(call.id, 1)) == []


# -- coming and going


def test_who_is_let_in_is_told_its_socket() -> None:
    made = codec()
    made.decode("40/admin,")

    assert told(made, p.Joined("/admin", "oSO0OpakMV_3jnilAAAA")) == ['40/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}']


def test_who_may_come_back_is_told_how() -> None:
    made = recovering()
    made.decode("40")

    made.encode(p.Welcome(epoch="e1", sid="sid", received=0, next=1, resumed=False))

    assert told(made, p.Joined("/", "S1")) == [f'40{{"sid":"S1","pid":"sid.{KEY}.1"}}']


def test_without_a_session_there_is_nothing_to_come_back_to() -> None:
    made = recovering()
    made.decode("40")

    assert told(made, p.Joined("/", "S1")) == ['40{"sid":"S1"}']


def test_who_is_refused_is_told_why() -> None:
    made = joined()
    made.decode("40/x,")
    made.decode("40/y,")

    assert told(made, p.Refused("/x", "Invalid namespace"), p.Refused("/y", "full", {"most": 5})) == [
        '44/x,{"message":"Invalid namespace"}',
        '44/y,{"message":"full","data":{"most":5}}',
    ]


def test_a_session_that_is_refused_is_a_namespace_that_is() -> None:
    made = codec()
    made.decode('40/admin,{"token":"x"}')

    assert told(made, p.Refuse("unauthorized", "who are you?")) == [
        '44/admin,{"message":"who are you?","data":{"code":"unauthorized"}}'
    ]
    assert told(codec(), p.Refuse("try_later", "", 500)) == [
        '44{"message":"try_later","data":{"code":"try_later","retry_after":500}}'
    ]


def test_who_is_put_out_is_told() -> None:
    made = joined("/", "/admin")

    assert told(made, p.Leave("/admin", "kicked"), p.Leave("/")) == ["41/admin,", "41"]
    assert told(made, p.Leave("/")) == []


def test_who_is_not_to_come_back_is_put_out_everywhere_first() -> None:
    made = joined("/", "/admin")
    made.decode("40/asked,")

    assert told(made, p.Close("revoked", "banned")) == ["41", "41/admin,", "1"]


def test_who_is_to_come_back_only_loses_its_connection() -> None:
    assert told(joined(), p.Close("draining", "", 500)) == []


def test_nobody_is_asked_for_a_stream() -> None:
    for call in (p.Call(1, "/", "ticks", [], credit=8), p.Call(1, "/", "ticks", [None], streams=(1,))):
        with pytest.raises(PayloadError, match="know no streams"):
            told(joined(), call)


def test_a_welcome_says_nothing() -> None:
    made = codec()

    assert told(made, p.Welcome(epoch="e1", sid="sid", received=0, next=1, resumed=False)) == []


def test_a_ping_is_a_digit() -> None:
    assert told(joined(), p.Ping(17)) == ["2"]


# -- messages


def test_a_message_is_frames_behind_one_another() -> None:
    made = joined()
    parts = [made.encode(p.Event("/", "a", [])), b"", made.encode(p.Ping(1))]

    assert made.pack(7, 2, parts) == b'\x81\x0742["a"]' + b"\x81\x012"
    assert made.pack(7, 0, []) == b""


def test_for_a_poll_frames_are_a_payload() -> None:
    made = joined()
    frames = made.pack(1, 2, [made.encode(p.Event("/", "baz", [b"\x01\x02\x03\x04"])), made.encode(p.Ping(1))])

    assert write_payload(messages_of(frames)) == '451-["baz",{"_placeholder":true,"num":0}]\x1ebAQIDBA==\x1e2'


def test_the_msgpack_parser_has_one_message_for_each_packet() -> None:
    made = codec(msgpack=True)
    [hello] = made.decode(bytes.fromhex("82 a4 74797065 00 a3 6e7370 a1 2f")).packets
    assert isinstance(hello, p.Hello)

    assert told(made, p.Joined("/", "S1"), p.Event("/", "a", [b"x"]), p.Ping(1)) == [
        b"\x83\xa4type\x00\xa3nsp\xa1/\xa4data\x81\xa3sid\xa2S1",
        b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1a\xc4\x01x",
        "2",
    ]


def test_forms_that_differ_have_names_that_do() -> None:
    assert {codec().form, codec(msgpack=True).form, recovering().form} == {
        "socketio",
        "socketio-msgpack",
        "socketio-recovery",
    }


# -- offsets


def test_each_event_carries_its_offset_and_a_volatile_one_the_last() -> None:
    made = recovering("/")

    assert told(made, p.Volatile("/", "v", ["x"]), p.Event("/", "a", []), p.Event("/", "b", [1])) == [
        '42["v","x","e1.0"]',
        '42["a","e1.1"]',
        '42["b",1,"e1.2"]',
    ]
    assert told(made, p.Volatile("/", "v", ["x"])) == ['42["v","x","e1.2"]']


def test_calls_and_replies_carry_none() -> None:
    made = recovering("/")
    [call] = made.decode('420["ask"]').packets
    assert isinstance(call, p.Call)

    assert told(made, p.Call(5, "/", "ask", ["x"]), p.Reply(call.id, "y")) == ['425["ask","x"]', '430["y"]']


def test_an_event_that_cannot_be_said_has_no_offset() -> None:
    made = recovering("/")

    with pytest.raises(PayloadError):
        made.encode(p.Event("/", "a", [b"x"] * 11))

    assert told(made, p.Event("/", "a", [])) == ['42["a","e1.1"]']


def test_the_arguments_of_the_application_are_not_changed() -> None:
    args: list[Any] = [1]

    recovering("/").encode(p.Event("/", "a", args))

    assert args == [1]


def test_one_that_may_be_sent_again_is_still_the_same_bytes_for_all() -> None:
    first, second = recovering("/"), recovering("/")
    encoded = first.encode(p.Event("/", "a", []))

    assert isinstance(encoded, Sent)
    assert first.pack(1, 1, [encoded]) == second.pack(1, 1, [encoded]) == bytes(encoded)
    assert list(messages_of(encoded)) == ['42["a","e1.1"]']


# -- held back


def test_what_is_for_a_namespace_that_was_cut_is_held_back() -> None:
    made = recovering("/", "/a")
    made.resume(Place("/", None, "1"))  # the client is on another transport, and has asked for `/` only

    assert told(made, p.Event("/a", "x", []), p.Call(5, "/a", "ask", []), p.Event("/", "y", [])) == ['42["y","e1.2"]']


def test_nobody_is_put_out_of_a_namespace_that_was_cut() -> None:
    made = recovering("/", "/a")
    made.resume(Place("/", None, "1"))

    assert told(made, p.Leave("/a")) == []


def test_a_ping_marks_what_was_sent_before_it() -> None:
    made = recovering("/")
    told(made, p.Event("/", "a", []))
    told(made, p.Ping(1))
    told(made, p.Event("/", "b", []))

    made.decode("3")

    assert made.missed(Place("/", "e1.0", "1")) is None
    assert [*messages_of(b"".join(made.missed(Place("/", "e1.1", "1")) or ()))] == ['42["b","e1.2"]']


def test_applications_compare_the_word_for_a_namespace_that_is_not_there() -> None:
    made = joined()
    made.decode("40/nowhere,")

    assert told(made, p.Refused("/nowhere", no_namespace("/nowhere"))) == ['44/nowhere,{"message":"Invalid namespace"}']


def test_a_volatile_event_that_would_leave_behind_newer_ones_does_not() -> None:
    made = recovering("/")
    volatile, event = made.encode(p.Volatile("/", "v", [])), made.encode(p.Event("/", "a", []))

    assert list(messages_of(made.pack(1, 1, [event, volatile]))) == ['42["a","e1.1"]']


def test_what_was_said_to_a_stay_that_a_cut_has_ended_is_nobodys() -> None:
    made = recovering("/", "/a")
    answer = made.encode(p.Leave("/a"))
    assert made.resume(Place("/", None, "1")) is not None

    made.decode("40/a,")

    assert made.pack(1, 1, [answer]) == b""
