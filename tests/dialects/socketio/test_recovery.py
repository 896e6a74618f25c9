"""What is kept to be sent again: in its order, within its bounds, and never more or less than was missed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from antiphon.config import Outbox
from antiphon.dialects.socketio.recovery import Offsets, Place, Recovery, Sent


def recovery(packets: int = 100, size: int = 10_000) -> tuple[Recovery, Offsets]:
    offsets = Offsets("e1")
    return Recovery(Outbox(packets=packets, size=size), offsets), offsets


def given(offsets: Offsets) -> int:
    offsets.last += 1
    return offsets.last


def event(offsets: Offsets, namespace: str = "/", frames: bytes = b"x" * 10) -> Sent:
    return Sent.of(frames, namespace, given(offsets))


def at(number: int | None, namespace: str = "/") -> Place:
    return Place(namespace, None if number is None else f"e1.{number}")


def numbers(sent: list[Sent] | None) -> list[int | None] | None:
    return None if sent is None else [each.offset for each in sent]


# -- offsets


def test_an_offset_is_a_string_that_says_which_start_of_the_server_gave_it() -> None:
    offsets = Offsets("e1")

    assert [offsets.spelled(given(offsets)) for _ in range(2)] == ["e1.1", "e1.2"]
    assert offsets.read("e1.2") == 2


@pytest.mark.parametrize(
    "spelled", [None, "", "e1.", "e2.1", "e1.x", "e1.-1", "e1.1.0", "e1.٣", "e1." + "9" * 17, "Q85pabD"]
)
def test_what_is_no_offset_of_ours_is_none(spelled: str | None) -> None:
    assert Offsets("e1").read(spelled) is None


def test_frames_know_where_they_belong() -> None:
    sent = Sent.of(b"frames", "/a", 7)

    assert (sent, sent.namespace, sent.offset, sent.volatile) == (b"frames", "/a", 7, False)
    assert b"".join([sent, Sent.of(b"more", "/", volatile=True)]) == b"framesmore"


# -- what arrived


def test_what_was_sent_before_a_ping_that_was_answered_is_not_kept() -> None:
    kept, offsets = recovery()
    for _ in range(3):
        kept.keep(event(offsets))
    kept.mark()
    kept.keep(event(offsets))

    kept.arrived()

    assert numbers(kept.missed(at(3))) == [4]
    assert kept.missed(at(2)) is None
    kept.arrived()
    assert numbers(kept.missed(at(3))) == [4]


def test_what_was_given_up_between_a_ping_and_its_answer_is_not_given_up_twice() -> None:
    kept, offsets = recovery(packets=2)
    kept.keep(event(offsets))
    kept.keep(event(offsets))
    kept.mark()
    for _ in range(2):
        kept.keep(event(offsets))

    kept.arrived()

    assert numbers(kept.missed(at(2))) == [3, 4]


@pytest.mark.parametrize("between", [lambda kept: kept.forget("/"), lambda kept: kept.hold_back(["/"])])
def test_an_answer_says_nothing_of_what_was_begun_anew(between: Callable[[Recovery], None]) -> None:
    kept, offsets = recovery()
    kept.keep(event(offsets))
    kept.mark()

    between(kept)
    kept.keep(event(offsets))
    kept.arrived()

    assert numbers(kept.missed(at(1))) == [2]


# -- missed


def test_what_was_sent_behind_a_place_was_missed() -> None:
    kept, offsets = recovery()
    for _ in range(5):
        kept.keep(event(offsets))

    assert numbers(kept.missed(at(3))) == [4, 5]
    assert numbers(kept.missed(at(5))) == []


def test_a_client_that_has_seen_nothing_has_missed_everything() -> None:
    kept, offsets = recovery()
    kept.keep(event(offsets))

    assert numbers(kept.missed(at(None))) == [1]
    assert numbers(kept.missed(Place("/", "e0.700"))) == [1]


def test_a_quiet_client_has_missed_nothing() -> None:
    kept, _ = recovery()

    assert numbers(kept.missed(at(None))) == []


def test_the_offset_of_a_broadcast_to_others_is_a_place_too() -> None:
    kept, offsets = recovery()
    kept.keep(event(offsets))
    given(offsets)
    kept.keep(event(offsets))

    assert numbers(kept.missed(at(2))) == [3]


def test_each_namespace_has_its_own() -> None:
    kept, offsets = recovery()
    for namespace in ("/", "/a", "/"):
        kept.keep(event(offsets, namespace))

    assert numbers(kept.missed(at(None, "/a"))) == [2]
    assert numbers(kept.missed(at(1))) == [3]


def test_a_place_that_nobody_can_have_reached_is_none() -> None:
    kept, offsets = recovery()
    kept.keep(event(offsets))

    assert kept.missed(at(2)) is None


@pytest.mark.parametrize("bounds", [{"packets": 3}, {"size": 30}])
def test_the_oldest_are_given_up_and_who_needs_them_cannot_go_on(bounds: dict[str, int]) -> None:
    kept, offsets = recovery(**bounds)
    for _ in range(5):
        kept.keep(event(offsets))

    assert numbers(kept.missed(at(2))) == [3, 4, 5]
    assert kept.missed(at(1)) is None
    assert kept.missed(at(None)) is None


def test_what_is_given_up_elsewhere_is_no_loss() -> None:
    kept, offsets = recovery(packets=2)
    for namespace in ("/a", "/a", "/"):
        kept.keep(event(offsets, namespace))

    assert numbers(kept.missed(at(None))) == [3]
    assert kept.missed(at(None, "/a")) is None


def test_what_alone_is_too_large_is_not_kept() -> None:
    kept, offsets = recovery(size=5)

    kept.keep(event(offsets))

    assert kept.missed(at(0)) is None
    assert numbers(kept.missed(at(1))) == []


def test_who_comes_in_anew_has_missed_nothing_of_before() -> None:
    kept, offsets = recovery(packets=2)
    for namespace in ("/", "/", "/a", "/"):
        kept.keep(event(offsets, namespace))

    kept.forget("/")

    assert numbers(kept.missed(at(None))) == []
    assert numbers(kept.missed(at(None, "/a"))) == [3]


# -- held back


def test_nothing_is_held_back_from_who_is_there() -> None:
    kept, offsets = recovery()

    kept.hold_back(["/a"])

    assert not kept.held(event(offsets))
    assert kept.held(event(offsets, "/a"))


def test_what_was_held_back_comes_in_its_order() -> None:
    kept, offsets = recovery()
    kept.hold_back(["/a"])
    first, second = event(offsets, "/a"), Sent.of(b"reply", "/a")
    kept.held(first)
    kept.held(second)

    kept.hold_back(["/a"])

    assert kept.take_back("/a") == [first, second]
    assert kept.take_back("/a") == []
    assert not kept.held(first)


def test_what_is_volatile_is_dropped_instead() -> None:
    kept, _ = recovery()
    kept.hold_back(["/a"])

    assert kept.held(Sent.of(b"x", "/a", volatile=True))

    assert kept.take_back("/a") == []


def test_what_was_held_back_is_forgotten_with_its_namespace() -> None:
    kept, offsets = recovery()
    kept.hold_back(["/a"])
    kept.held(event(offsets, "/a"))

    kept.forget("/a")

    assert not kept.held(event(offsets, "/a"))
    assert kept.take_back("/a") == []


@pytest.mark.parametrize("bounds", [{"packets": 3}, {"size": 30}])
def test_of_too_much_nothing_is_held_and_its_client_cannot_go_on(bounds: dict[str, int]) -> None:
    kept, offsets = recovery(**bounds)
    kept.hold_back(["/a", "/b"])

    for _ in range(4):
        assert kept.held(event(offsets, "/a"))

    assert kept.missed(at(4, "/a")) is None
    assert kept.missed(at(None, "/a")) is None
    assert numbers(kept.missed(at(None, "/b"))) == []
    assert kept.take_back("/a") == []


def test_what_is_held_back_is_counted_out_again() -> None:
    kept, offsets = recovery(size=30)

    for _ in range(9):
        kept.hold_back(["/a"])
        for _ in range(3):
            kept.held(event(offsets, "/a"))
        assert len(kept.take_back("/a")) == 3


# -- what a cut ends


def test_answers_to_what_was_asked_before_a_cut_are_nobodys() -> None:
    kept, _ = recovery()
    before, after = Sent.of(b"40", "/a"), Sent.of(b"40", "/a")
    before.stay, after.stay = 1, 2
    assert not kept.stray(before, 1), "there was no cut yet"

    kept.shut(1)

    assert kept.stray(before, 1)
    assert kept.stray(before, 2)
    assert not kept.stray(after, 2)
    assert not kept.stray(Sent.of(b"event", "/a"), 2), "it is there again"


def test_what_was_taken_back_is_there_again() -> None:
    kept, _ = recovery()
    kept.shut(1)
    kept.hold_back(["/"])

    kept.take_back("/")

    assert not kept.stray(Sent.of(b"event", "/"), 1)


def test_a_volatile_event_does_not_leave_behind_newer_ones() -> None:
    kept, offsets = recovery()
    volatile = Sent.of(b"v", "/", volatile=True)
    volatile.repeats = offsets.last
    assert not kept.late(volatile)

    kept.keep(event(offsets))

    assert kept.late(volatile)
    assert not kept.late(event(offsets))
