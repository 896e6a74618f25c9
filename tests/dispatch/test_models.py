"""pydantic models as what a handler takes, and as what it emits and returns."""

from __future__ import annotations

import datetime
import subprocess
import sys
import uuid
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import msgspec
import pydantic
import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from antiphon.dispatch.binding import Plan, bind
from antiphon.dispatch.payloads import to_wire
from antiphon.errors import PayloadError

if TYPE_CHECKING:

    class Socket: ...


LABEL = "handler 'play' of namespace '/game'"

T = TypeVar("T")


class Move(BaseModel):
    x: int
    y: int = 0

    @field_validator("x")
    @classmethod
    def on_the_board(cls, x: int) -> int:
        if x > 8:
            raise ValueError(f"{x} is beyond the board")
        return x


class Game(BaseModel):
    model_config = ConfigDict(strict=True)

    name: str
    moves: list[Move] = []
    started_at: str = Field(default="", alias="startedAt")


class Moves(RootModel[list[Move]]): ...


class Page(BaseModel, Generic[T]):
    items: list[T]


class Colour(Enum):
    RED = "red"


class Everything(BaseModel):
    at: datetime.datetime = datetime.datetime(2024, 1, 2)
    id: uuid.UUID = uuid.UUID(int=1)
    price: Decimal = Decimal("1.50")
    tags: set[int] = {1}
    pair: tuple[int, str] = (1, "a")
    photo: bytes = b"\xff\x00"
    by_number: dict[int, str] = {1: "one"}
    colour: Colour = Colour.RED
    anything: Any = None


@pydantic.dataclasses.dataclass
class Point:
    x: int
    at: datetime.date = datetime.date(2024, 1, 2)


class Pose(msgspec.Struct):
    x: float


def refusal(plan: Plan, *args: Any) -> PayloadError:
    with pytest.raises(PayloadError) as caught:
        plan.arguments([*args])
    return caught.value


def plan_for(annotation: Any) -> Plan:
    def play(socket: Socket, move: annotation) -> None: ...

    return bind(play, LABEL)


# What a handler takes


@pytest.mark.parametrize(
    ("annotation", "value", "bound"),
    [
        (Move, {"x": 1}, Move(x=1)),
        (list[Move], [{"x": 1}, {"x": 2, "y": 3}], [Move(x=1), Move(x=2, y=3)]),
        (dict[str, Move], {"first": {"x": 1}}, {"first": Move(x=1)}),
        (Move | None, None, None),
        (Move | None, {"x": 1}, Move(x=1)),
        (Move | int, 3, 3),
        (dict[str, list[Move | None]], {"a": [None, {"x": 1}]}, {"a": [None, Move(x=1)]}),
        (Annotated[Move, Field(description="a move")], {"x": 1}, Move(x=1)),
        (Game, {"name": "chess", "startedAt": "now"}, Game(name="chess", startedAt="now")),
        (Moves, [{"x": 1}], Moves([Move(x=1)])),
        (Page[Move], {"items": [{"x": 1}]}, Page[Move](items=[Move(x=1)])),
        (Point, {"x": 1, "at": "2024-02-03"}, Point(1, datetime.date(2024, 2, 3))),
    ],
    ids=str,
)
def test_a_parameter_may_be_a_model_or_hold_models(annotation: Any, value: Any, bound: Any) -> None:
    assert list(plan_for(annotation).arguments([value])) == [bound]


def test_models_and_other_types_stand_side_by_side() -> None:
    def play(socket: Socket, name: str, move: Move, pose: Pose, game: Game | None = None) -> None: ...

    plan = bind(play, LABEL)

    assert list(plan.arguments(["chess", {"x": 1}, {"x": 2}])) == ["chess", Move(x=1), Pose(2.0)]
    assert list(plan.arguments(["chess", {"x": 1}, {"x": 2}, None])) == ["chess", Move(x=1), Pose(2.0), None]
    assert refusal(plan, 1, {"x": 1}, {"x": 2}).parameter == "name"


@pytest.mark.parametrize("first", [str, Any], ids=["checked", "unchecked"])
def test_the_rest_of_the_arguments_may_be_models(first: Any) -> None:
    def play(socket: Socket, name: first, *moves: Move) -> None: ...

    plan = bind(play, LABEL)

    assert list(plan.arguments(["chess"])) == ["chess"]
    assert list(plan.arguments(["chess", {"x": 1}, {"x": 2}])) == ["chess", Move(x=1), Move(x=2)]
    assert refusal(plan, "chess", {"x": 1}, {"x": "left"}).parameter == "moves[1].x"


def test_a_hook_may_ask_for_a_model() -> None:
    def enter(socket: Socket, auth: Move) -> None: ...

    assert list(bind(enter, LABEL, offered=["auth"]).arguments([{"x": 1}])) == [Move(x=1)]


def test_a_model_says_itself_what_it_coerces() -> None:
    assert list(plan_for(Move).arguments([{"x": "1"}])) == [Move(x=1)]
    assert refusal(plan_for(Game), {"name": 1}).parameter == "move.name"


def test_the_arguments_that_came_are_not_changed() -> None:
    args = [{"x": 1}]

    plan_for(Move).arguments(args)

    assert args == [{"x": 1}]


# What does not fit


@pytest.mark.parametrize(
    ("annotation", "value", "rest"),
    [
        (Move, 1, "Move for parameter 'move', but the event does not fit: Input should be a valid dictionary"),
        (Move, {}, "Move for parameter 'move.x', but the event does not fit: Field required"),
        (Move, {"x": "left"}, "Move for parameter 'move.x', but the event does not fit: Input should be a valid int"),
        (Move, {"x": 9}, "Move for parameter 'move.x', but the event does not fit: Value error, 9 is beyond the board"),
        (list[Move], [{"x": 1}, 2], "list[Move] for parameter 'move[1]', but the event does not fit: Input should be"),
        (dict[str, Move], {"the first": {}}, "dict[str, Move] for parameter \"move['the first'].x\", but the event"),
        (Game, {"name": "", "moves": [{}]}, "Game for parameter 'move.moves[0].x', but the event does not fit: Field"),
        (Move | Game, {"y": 1}, "Move | Game for parameter 'move.x', but the event does not fit: Field required"),
        (Moves, [{"x": ""}], "Moves for parameter 'move[0].x', but the event does not fit: Input should be"),
    ],
    ids=str,
)
def test_a_misfit_names_the_parameter_and_the_place(annotation: Any, value: Any, rest: str) -> None:
    error = refusal(plan_for(annotation), value)

    assert str(error).startswith(f"{LABEL} expects {rest}")


def test_a_misfit_quotes_little_of_what_the_peer_sent() -> None:
    class Quoting(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def refuse(cls, name: str) -> str:
            raise ValueError(name)

    error = refusal(plan_for(Quoting), {"name": "x" * 10_000})

    assert len(str(error)) < 500


def test_a_missing_model_is_named() -> None:
    assert refusal(plan_for(list[Move])).expected == "list[Move]"


def test_a_type_that_pydantic_cannot_validate_is_refused_at_registration() -> None:
    with pytest.raises(TypeError) as caught:
        plan_for(Move | Pose)

    assert str(caught.value).startswith(f"parameter 'move' of {LABEL}")
    assert "cannot be bound: pydantic says: Unable to generate pydantic-core schema for" in str(caught.value)


# What is emitted and returned


def test_a_model_becomes_a_map_of_its_fields() -> None:
    assert to_wire([Move(x=1), {"game": Game(name="chess", moves=[Move(x=2)])}], "args") == [
        {"x": 1, "y": 0},
        {"game": {"name": "chess", "moves": [{"x": 2, "y": 0}], "startedAt": ""}},
    ]


def test_what_json_has_no_word_for_is_written_as_in_json_and_bytes_stay_bytes() -> None:
    assert to_wire(Everything(), "args") == {
        "at": "2024-01-02T00:00:00",
        "id": "00000000-0000-0000-0000-000000000001",
        "price": "1.50",
        "tags": [1],
        "pair": [1, "a"],
        "photo": b"\xff\x00",
        "by_number": {"1": "one"},
        "colour": "red",
        "anything": None,
    }


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (Moves([Move(x=1)]), [{"x": 1, "y": 0}]),
        (RootModel[int](3), 3),
        (Page[Move](items=[Move(x=1)]), {"items": [{"x": 1, "y": 0}]}),
        (Point(1), {"x": 1, "at": "2024-01-02"}),
        (Everything(anything=[Pose(1.0)]).anything, [{"x": 1.0}]),
    ],
    ids=repr,
)
def test_every_kind_of_model_has_a_form_on_the_wire(value: Any, wire: Any) -> None:
    assert to_wire(value, "args") == wire


def test_what_was_sent_as_a_model_is_received_as_that_model() -> None:
    sent = Game(name="chess", moves=[Move(x=1)], startedAt="now")

    received = plan_for(Game).arguments([to_wire(sent, "args")])

    assert list(received) == [sent]


def cyclic() -> Everything:
    model = Everything()
    model.anything = model
    return model


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (cyclic, "a Everything cannot travel: "),
        (lambda: Everything(anything=object()), "a Everything cannot travel: Unable to serialize unknown type"),
        (lambda: Everything(anything=float("nan")), "args['anything']: nan is not a wire value"),
        (lambda: Everything(anything=2**60), "args['anything']: an integer beyond"),
    ],
    ids=["a cycle", "an object", "nan", "a large integer"],
)
def test_a_model_that_holds_what_cannot_travel_is_refused(make: Callable[[], Any], problem: str) -> None:
    with pytest.raises(PayloadError) as caught:
        to_wire(make(), "args")

    assert str(caught.value).startswith(problem)


def test_pydantic_is_not_imported_for_applications_without_it() -> None:
    program = """
import sys
import antiphon
from dataclasses import dataclass
from antiphon.dispatch.binding import bind
from antiphon.dispatch.payloads import to_wire

@dataclass
class Move:
    x: int

def play(socket, move: Move | None, moves: list[Move]): ...

bind(play, "play").arguments([None, [{"x": 1}]])
to_wire([Move(1)], "args")
print([name for name in sys.modules if "pydantic" in name])
"""

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
