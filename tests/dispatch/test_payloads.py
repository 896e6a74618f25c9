"""What Python values become on the wire, and which ones do not."""

from __future__ import annotations

import datetime
import decimal
import math
import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, IntEnum, IntFlag, StrEnum
from typing import Any, NamedTuple, TypedDict

import msgspec
import pytest

from antiphon.dispatch.payloads import to_wire
from antiphon.errors import PayloadError


class Colour(Enum):
    RED = "red"
    MIXED = (1, 2)
    NONE = None
    YES = True


class Level(IntEnum):
    HIGH = 3


class Right(IntFlag):
    READ = 1
    WRITE = 2


class Name(str):
    def __str__(self) -> str:
        return "somebody else"


class Key(StrEnum):
    FIRST = "first"


@dataclass
class Move:
    x: int
    tags: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Maybe:
    given: int | msgspec.UnsetType = msgspec.UNSET


class Pose(msgspec.Struct):
    x: float
    extra: Any = None


class Lean(msgspec.Struct, omit_defaults=True, rename="camel", kw_only=True):
    list_of: list[int] = []
    user_id: int
    text: str = "none"
    unset: int | msgspec.UnsetType = msgspec.UNSET


class Tagged(msgspec.Struct, tag="circle", tag_field="shape"):
    radius: int


class Row(msgspec.Struct, array_like=True):
    a: int
    b: int


class TaggedRow(Row, array_like=True, tag=True):
    pass


class Pair(NamedTuple):
    a: int
    b: int


class Login(TypedDict):
    name: str


def refusal(value: Any) -> PayloadError:
    with pytest.raises(PayloadError) as caught:
        to_wire(value, "args")
    return caught.value


def test_what_is_a_value_of_the_wire_already_is_not_copied() -> None:
    args = ["hello", {"x": 1.5, "y": 2, "name": "Ann"}, [b"bytes", None, True]]

    assert to_wire(args, "args") is args


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ((1, (2, 3)), [1, [2, 3]]),
        (Pair(1, 2), [1, 2]),
        (bytearray(b"ab"), b"ab"),
        pytest.param(memoryview(b"ab"), b"ab", id="memoryview"),
        (Colour.RED, "red"),
        (Colour.MIXED, [1, 2]),
        (Colour.NONE, None),
        (Colour.YES, True),
        (Level.HIGH, 3),
        (Right.READ | Right.WRITE, 3),
        (Name("Ann"), "Ann"),
        (type("Metres", (float,), {})(1.5), 1.5),
        (OrderedDict(a=(1,)), {"a": [1]}),
        (defaultdict(int, a=1), {"a": 1}),
        ({Key.FIRST: 1}, {"first": 1}),
        (Login(name="Ann"), {"name": "Ann"}),
        (Move(1, ["a"]), {"x": 1, "tags": ["a"]}),
        (Maybe(), {}),
        (Maybe(1), {"given": 1}),
        (Pose(1.0, Move(2)), {"x": 1.0, "extra": {"x": 2, "tags": []}}),
        (Pose(1.0, msgspec.UNSET), {"x": 1.0}),
        (Pose(1.0, [Colour.RED, {"at": (1, 2)}]), {"x": 1.0, "extra": ["red", {"at": [1, 2]}]}),
        (Tagged(2), {"shape": "circle", "radius": 2}),
        (Row(1, 2), [1, 2]),
        (TaggedRow(1, 2), ["TaggedRow", 1, 2]),
    ],
    ids=repr,
)
def test_what_has_a_form_on_the_wire_takes_it(value: Any, wire: Any) -> None:
    converted = to_wire([value, {"held": value}], "args")

    assert converted == [wire, {"held": wire}]
    assert type(converted[0]) is type(wire)


@pytest.mark.parametrize(
    "struct",
    [
        Lean(user_id=1),
        Lean(user_id=1, list_of=[1], text="some", unset=2),
        Lean(user_id=1, text="none", list_of=[]),
        Tagged(1),
        Row(1, 2),
        TaggedRow(1, 2),
    ],
    ids=repr,
)
def test_a_struct_is_written_as_msgspec_writes_it(struct: msgspec.Struct) -> None:
    assert to_wire(struct, "args") == msgspec.to_builtins(struct)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (datetime.datetime(2024, 1, 1), "datetime is not a wire value; send a number or a string"),
        (decimal.Decimal(1), "Decimal is not a wire value; send a number or a string"),
        (uuid.UUID(int=0), "UUID is not a wire value; send a string or bytes"),
        ({1}, "set is not a wire value; send a list"),
        (frozenset(), "frozenset is not a wire value; send a list"),
        ((n for n in range(3)), "generator is not a wire value; send a list"),
        (object(), "object is not a wire value; send a builtin, a dataclass or a Struct"),
        (Move, "type is not a wire value; send a builtin, a dataclass or a Struct"),
        (math.nan, "nan is not a wire value; send None or a string"),
        (2**53, "an integer beyond ±(2**53 - 1) is not a wire value; send a string"),
        ("\udcff", "a lone surrogate is not a wire value; send valid Unicode, or bytes"),
        ({1: 2}, "int is not a wire value for the key of a map; send a string"),
        ({Level.HIGH: 2}, "Level is not a wire value for the key of a map; send a string"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else "",
)
@pytest.mark.parametrize(
    ("wrap", "path"),
    [
        (lambda value: value, "args"),
        (lambda value: [{"when": value}], "args[0]['when']"),
        (lambda value: ((), Pose(1.0, value)), "args[1]['extra']"),
        (lambda value: [Move(1, [value])], "args[0]['tags'][0]"),
    ],
    ids=["by itself", "in builtins", "in a struct", "in a dataclass"],
)
def test_what_has_no_form_is_refused_with_its_place_and_a_remedy(
    wrap: Callable[[Any], Any], path: str, value: Any, problem: str
) -> None:
    error = refusal(wrap(value))

    assert str(error) == f"{path}: {problem}"
    assert error.parameter == path


def test_a_coroutine_is_refused_with_a_hint_to_await_it() -> None:
    async def forgotten() -> int:
        return 1

    coroutine = forgotten()

    error = refusal([coroutine])

    assert "send what it returns (await it first)" in str(error)
    coroutine.close()


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = [(1,)]
    value += [value, value]

    assert "nested deeper than 32 levels" in str(refusal(value))


def test_a_record_that_holds_itself_is_refused() -> None:
    pose = Pose(1.0)
    pose.extra = pose

    assert "nested deeper than 32 levels" in str(refusal([pose]))


def test_the_absence_of_a_value_is_refused_where_it_is_no_field() -> None:
    assert refusal([msgspec.UNSET]).parameter == "args[0]"


def test_what_is_too_deep_is_refused_after_conversion_too() -> None:
    with pytest.raises(PayloadError, match=r"args\[0\]\[0\]: nested deeper than 2 levels"):
        to_wire((((1,),),), "args", depth=2)


def test_a_value_held_twice_arrives_twice() -> None:
    move = Move(1)

    assert to_wire([move, move], "args") == [{"x": 1, "tags": []}, {"x": 1, "tags": []}]


def test_the_value_that_was_given_is_not_changed() -> None:
    args = [(1, 2), {"at": (3, 4)}]

    to_wire(args, "args")

    assert args == [(1, 2), {"at": (3, 4)}]


def test_a_reply_is_named_by_its_handler() -> None:
    with pytest.raises(PayloadError, match=r"^reply of handler 'say': set is not a wire value"):
        to_wire({1}, "reply of handler 'say'")
