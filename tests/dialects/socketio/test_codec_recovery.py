"""A Socket.IO client that was cut off comes back to where it was, or begins anew."""

from __future__ import annotations

import pytest

from antiphon.dialects.socketio.codec import SocketioCodec
from antiphon.dialects.socketio.recovery import Place
from antiphon.protocol import packets as p
from antiphon.protocol.codec import Message
from tests.dialects.socketio.rig import (
    KEY,
    PID,
    SECOND,
    THIRD,
    claiming,
    codec,
    heard,
    joined,
    recovering,
    refusal,
    resumed,
    told,
)


def events(made: SocketioCodec, *names: str, namespace: str = "/") -> list[str | bytes]:
    return told(made, *(p.Event(namespace, name, []) for name in names))


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
