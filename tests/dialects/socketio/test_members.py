"""Where a client stands in each namespace: the table of the module, row by row."""

from __future__ import annotations

import pytest

from antiphon.config import Limits
from antiphon.dialects.socketio.members import MORE, Member, Members
from antiphon.errors import RemoteProtocolError


def members(**asked: str) -> Members:
    """Asked for by name; with a socket it is in."""
    made = Members(Limits(namespaces=2))
    for namespace, socket in asked.items():
        made.ask(namespace)
        if socket:
            assert made.admit(namespace, socket)
    return made


def test_a_client_asks_and_is_let_in() -> None:
    made = members()

    assert made.ask("/a") is None
    assert made["/a"] is Member.ASKED
    assert made.admit("/a", "s1") is True
    assert (made["/a"], made.sockets, made.joined()) == (Member.IN, {"/a": "s1"}, ["/a"])


def test_a_client_that_is_refused_may_ask_again() -> None:
    made = members(a="")

    assert made.refuse("a") is True
    assert made["a"] is None
    assert made.ask("a") is None


def test_who_asks_twice_is_answered_once() -> None:
    made = members(a="")

    assert made.ask("a") is Member.ASKED
    assert made.admit("a", "s1") is True
    assert made.admit("a", "s2") is False


def test_who_is_in_and_asks_is_in_no_more() -> None:
    made = members(a="s1")

    assert made.ask("a") is Member.IN
    assert (made["a"], made.sockets) == (Member.ASKED, {})
    assert made.put_out("a") is False
    assert made.admit("a", "s2") is True


def test_only_who_is_in_is_heard() -> None:
    made = members(asked="", there="s1")

    assert made.hears("there") is True
    for namespace in ("asked", "nowhere"):
        with pytest.raises(RemoteProtocolError, match="not joined; CONNECT first"):
            made.hears(namespace)


def test_who_leaves_is_not_heard_any_more() -> None:
    made = members(a="s1")

    assert made.leave("a") is True
    assert (made["a"], made.sockets) == (None, {})
    with pytest.raises(RemoteProtocolError):
        made.leave("a")


def test_what_is_said_by_who_was_put_out_crossed_that_on_the_way() -> None:
    made = members(a="s1")

    assert made.put_out("a") is True
    assert (made["a"], made.sockets) == (Member.PUT_OUT, {})
    assert made.hears("a") is False
    assert made.leave("a") is False
    assert made["a"] is None


def test_who_was_put_out_may_ask_again() -> None:
    made = members(a="s1")
    made.put_out("a")

    assert made.ask("a") is Member.PUT_OUT


def test_nobody_is_put_out_who_is_not_in() -> None:
    made = members(a="")

    assert made.put_out("a") is False
    assert made.put_out("b") is False
    assert made["a"] is Member.ASKED


def test_nobody_is_let_in_or_refused_who_has_not_asked() -> None:
    made = members(there="s1")

    assert made.admit("nowhere", "s2") is False
    assert made.refuse("there") is False
    assert made.sockets == {"there": "s1"}


# -- cuts


def test_behind_a_cut_a_client_is_nowhere_until_it_asks() -> None:
    made = members(there="s1", asked="")

    made.cut()

    assert made["there"] is made["asked"] is Member.CUT
    assert made.sockets == {"there": "s1"}
    with pytest.raises(RemoteProtocolError):
        made.hears("there")


def test_a_client_may_be_taken_back() -> None:
    made = members(a="s1")
    made.cut()

    made.take_back("a")

    assert made["a"] is Member.IN
    assert made.hears("a")


def test_who_asks_anew_behind_a_cut_leaves_first() -> None:
    made = members(a="s1")
    made.cut()

    assert made.ask("a") is Member.CUT
    assert (made["a"], made.sockets) == (Member.ASKED, {})


def test_the_answer_to_what_was_asked_before_a_cut_is_nobodys() -> None:
    made = members(a="")
    made.cut()

    assert made.ask("a") is Member.CUT
    made.cut()
    assert made.ask("a") is Member.CUT

    assert made.refuse("a") is False
    assert made.admit("a", "s1") is False
    assert made.admit("a", "s2") is True
    assert made.sockets == {"a": "s2"}


def test_a_cut_tells_nobody_that_they_were_put_out() -> None:
    made = members(a="s1", b="s2")
    made.put_out("a")

    made.cut()

    assert made["a"] is None
    assert made.put_out("b") is False
    assert made["b"] is None


# -- bounds


def test_so_many_may_be_asked_for_and_no_more() -> None:
    made = members()

    for number in range(2 + MORE):
        made.ask(f"/{number}")

    with pytest.raises(RemoteProtocolError, match="more namespaces were asked for than anybody may be in"):
        made.ask("/more")


def test_who_is_put_out_again_and_again_is_not_remembered_for_ever() -> None:
    made = members()

    for number in range(100):
        made.ask(f"/{number}")
        made.admit(f"/{number}", "s1")
        made.put_out(f"/{number}")

    assert made["/99"] is Member.PUT_OUT
    assert sum(made[f"/{number}"] is not None for number in range(100)) == MORE


def test_who_does_not_ask_again_behind_a_cut_is_missing_after_a_while() -> None:
    made = members(a="s1", b="s2")
    made.cut()
    made.take_back("b")

    assert made.missing() == []
    assert made.missing() == ["a"]

    assert (made["a"], made.sockets) == (None, {"b": "s2"})
    assert made.missing() == []


def test_each_cut_gives_its_own_while() -> None:
    made = members(a="s1")
    made.cut()
    made.missing()

    made.cut()

    assert made.missing() == []
    assert made.missing() == ["a"]


def test_nothing_is_kept_of_a_namespace_that_a_client_is_not_in() -> None:
    made = members(a="s1")

    for number in range(1000):
        made.ask(f"/{number}")
        made.refuse(f"/{number}")

    assert made.stays == {"a": 1}
    made.ask("/b")
    assert made.stays == {"a": 1, "/b": 1002}
    made.admit("/b", "s2")
    made.leave("/b")
    made.put_out("a")
    made.cut()
    assert made.stays == {}
