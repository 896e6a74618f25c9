"""What an event's arguments become for a handler."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypedDict

import msgspec
import pytest

from antiphon.dispatch.binding import Plan, bind, name_of
from antiphon.errors import PayloadError

if TYPE_CHECKING:

    class OnlyForTheTypeChecker: ...

    class Socket: ...


LABEL = "handler 'say' of namespace '/chat'"


@dataclass
class Move:
    x: int
    y: float = 0.0

    def __post_init__(self) -> None:
        if self.x < 0:
            raise ValueError("x must not be negative")


class Login(TypedDict):
    name: str
    age: NotRequired[int]


class Tree(msgspec.Struct):
    name: str
    children: list[Tree] = []


class Chat:
    def said(self, socket: Socket, text: str) -> None: ...

    async def asked(self, socket: Socket, text: str) -> None: ...


class Callee:
    async def __call__(self, socket: Socket, text: str) -> None: ...


def passed_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        return function(*args)

    return wrapper


def refusal(plan: Plan, args: list[Any]) -> PayloadError:
    with pytest.raises(PayloadError) as caught:
        plan.arguments(args)
    return caught.value


# What fits


def test_without_annotations_the_arguments_are_passed_as_they_are() -> None:
    args = ["hello", {"any": "thing"}]

    assert bind(lambda socket, text, more=None: None, LABEL).arguments(args) is args


def test_any_and_object_are_no_annotations() -> None:
    def say(socket: Socket, text: Any, more: object) -> None: ...

    args = ["hello", 1]

    assert bind(say, LABEL).arguments(args) is args


def test_arguments_are_converted_to_what_the_annotations_say() -> None:
    def play(socket: Socket, move: Move, login: Login, tree: Tree, moves: dict[str, list[Move]], rest: Any) -> None: ...

    arguments = bind(play, LABEL).arguments(
        [
            {"x": 1, "y": 2},
            {"name": "Ann"},
            {"name": "root", "children": [{"name": "leaf"}]},
            {"first": [{"x": 3}]},
            {"x": 1},
        ]
    )

    assert list(arguments) == [
        Move(1, 2.0),
        {"name": "Ann"},
        Tree("root", [Tree("leaf")]),
        {"first": [Move(3)]},
        {"x": 1},
    ]


def test_annotations_that_are_no_strings_are_read_as_well() -> None:
    def say(socket: Socket, text: Any) -> None: ...

    say.__annotations__ = {"text": str}

    assert refusal(bind(say, LABEL), [1]).expected == "str"


@pytest.mark.parametrize("value", [None, 1, 2.5])
def test_a_union_takes_each_of_its_members(value: Any) -> None:
    def say(socket: Socket, number: int | float | None) -> None: ...

    assert bind(say, LABEL).arguments([value]) == (value,)


def test_an_integer_binds_to_float() -> None:
    def say(socket: Socket, number: float) -> None: ...

    (number,) = bind(say, LABEL).arguments([1])

    assert type(number) is float


def test_bytes_stay_bytes() -> None:
    def say(socket: Socket, blob: bytes, blobs: list[bytes]) -> None: ...

    assert bind(say, LABEL).arguments([b"\xff", [b"a"]]) == (b"\xff", [b"a"])


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_string_is_not_taken_for_base64(kind: Any) -> None:
    def say(socket: Socket, blob: kind) -> None: ...

    error = refusal(bind(say, LABEL), ["aaaa"])

    assert str(error) == f"{LABEL} expects {kind.__name__} for parameter 'blob', but the event carried str"


def test_a_time_is_read_from_a_string_where_the_handler_asks_for_one() -> None:
    def say(socket: Socket, when: datetime.date) -> None: ...

    assert bind(say, LABEL).arguments(["2024-02-01"]) == (datetime.date(2024, 2, 1),)


def test_arguments_that_are_left_out_keep_the_defaults_of_the_handler() -> None:
    def say(socket: Socket, text: str, volume: int = 5, colour: str = "red") -> None: ...

    plan = bind(say, LABEL)

    assert plan.arguments(["hello"]) == ("hello",)
    assert plan.arguments(["hello", 7]) == ("hello", 7)


def test_the_rest_goes_to_a_variadic_parameter_one_by_one() -> None:
    def add(socket: Socket, name: str, *numbers: int) -> None: ...

    plan = bind(add, LABEL)

    assert plan.arguments(["Ann"]) == ("Ann",)
    assert plan.arguments(["Ann", 1, 2]) == ("Ann", 1, 2)


def test_a_variadic_parameter_without_annotation_takes_anything() -> None:
    args = [1, "two", None]

    assert bind(lambda socket, *rest: None, LABEL).arguments(args) is args


def test_a_handler_of_nothing_but_variadic_parameters_gets_everything() -> None:
    assert bind(lambda *args, **options: None, LABEL).arguments([1, 2]) == [1, 2]


def test_several_leading_parameters_are_not_bound() -> None:
    def anything(socket: Socket, event: OnlyForTheTypeChecker, number: int) -> None: ...

    assert bind(anything, LABEL, leading=["socket", "event"]).arguments([1]) == (1,)


def test_an_optional_keyword_is_left_alone() -> None:
    def say(socket: Socket, text: str, *, loud: bool = False) -> None: ...

    assert bind(say, LABEL).arguments(["hello"]) == ("hello",)


@pytest.mark.parametrize(
    "handler",
    [
        Chat().said,
        Callee(),
        functools.partial(Chat.said, Chat()),
        passed_on(Chat().said),
        functools.partial(passed_on(passed_on(Callee()))),
    ],
    ids=["bound method", "callable object", "partial", "decorated", "all at once"],
)
def test_whatever_can_be_called_has_a_plan(handler: Any) -> None:
    plan = bind(handler, LABEL)

    assert plan.arguments(["hello"]) == ("hello",)
    assert refusal(plan, [1]).parameter == "text"


def test_a_builtin_can_be_a_handler() -> None:
    args = ["hello"]

    assert bind(print, LABEL).arguments(args) is args


def test_annotations_may_name_types_of_the_function_around() -> None:
    class Local(msgspec.Struct):
        x: int

    def say(socket: Socket, local: Local) -> None: ...

    assert bind(say, LABEL).arguments([{"x": 1}]) == (Local(1),)


@pytest.mark.parametrize(
    ("handler", "is_async"),
    [
        (Chat().said, False),
        (Chat().asked, True),
        (functools.partial(Chat().asked), True),
        (Callee(), True),
        (passed_on(Chat().asked), True),
        (print, False),
    ],
    ids=["def", "async def", "partial", "callable object", "decorated", "builtin"],
)
def test_the_plan_knows_whether_the_handler_is_awaited(handler: Any, is_async: bool) -> None:
    assert bind(handler, LABEL).is_async is is_async


# What does not fit


def test_a_misfit_names_handler_parameter_expectation_and_what_came() -> None:
    def say(socket: Socket, text: str) -> None: ...

    error = refusal(bind(say, LABEL), [1])

    assert (
        str(error) == "handler 'say' of namespace '/chat' expects str for parameter 'text', but the event carried int"
    )
    assert error.parameter == "text"
    assert error.expected == "str"


def say_move(socket: Socket, move: Move) -> None: ...
def say_maybe(socket: Socket, text: str | None) -> None: ...
def say_list(socket: Socket, names: list[str]) -> None: ...
def say_map(socket: Socket, ages: dict[str, int]) -> None: ...
def say_keys(socket: Socket, ages: dict[Literal["Ann"], int]) -> None: ...
def say_colour(socket: Socket, colour: Literal["red", "green"]) -> None: ...
def say_count(socket: Socket, count: Annotated[int, msgspec.Meta(ge=1)]) -> None: ...
def say_pair(socket: Socket, pair: tuple[int, int]) -> None: ...
def say_many(socket: Socket, name: str, *moves: Move) -> None: ...


@pytest.mark.parametrize(
    ("handler", "args", "rest"),
    [
        (say_move, [1], "expects Move for parameter 'move', but the event carried int"),
        (say_move, [None], "expects Move for parameter 'move', but the event carried None"),
        (say_move, [{"x": "1"}], "expects int for parameter 'move.x', but the event carried str"),
        (
            say_move,
            [{}],
            "expects Move for parameter 'move', but the event does not fit: Object missing required field `x`",
        ),
        (
            say_move,
            [{"x": -1}],
            "expects Move for parameter 'move', but the event does not fit: x must not be negative",
        ),
        (say_maybe, [1], "expects str | None for parameter 'text', but the event carried int"),
        (say_list, ["Ann"], "expects list[str] for parameter 'names', but the event carried str"),
        (say_list, [["Ann", 1]], "expects str for parameter 'names[1]', but the event carried int"),
        (say_map, [{"Ann": "1"}], "expects int for parameter 'ages[...]', but the event carried str"),
        (
            say_keys,
            [{"Bob": 1}],
            "expects dict[Literal['Ann'], int] for parameter 'ages', "
            "but the event does not fit: Invalid enum value 'Bob'",
        ),
        (
            say_colour,
            ["blue"],
            "expects Literal['red', 'green'] for parameter 'colour', "
            "but the event does not fit: Invalid enum value 'blue'",
        ),
        (
            say_count,
            [0],
            "expects Annotated[int, Meta(ge=1)] for parameter 'count', but the event does not fit: Expected `int` >= 1",
        ),
        (
            say_pair,
            [[1]],
            "expects tuple[int, int] for parameter 'pair', "
            "but the event does not fit: Expected `array` of length 2, got 1",
        ),
        (say_many, [1], "expects str for parameter 'name', but the event carried int"),
        (say_many, ["Ann", {"x": 1}, 2], "expects Move for parameter 'moves[1]', but the event carried int"),
        (say_many, ["Ann", {"x": "1"}], "expects int for parameter 'moves[0].x', but the event carried str"),
    ],
)
def test_each_misfit_is_told_in_words(handler: Any, args: list[Any], rest: str) -> None:
    error = refusal(bind(handler, LABEL), args)

    assert str(error) == f"{LABEL} {rest}"


def test_a_misfit_quotes_little_of_what_the_peer_sent() -> None:
    error = refusal(bind(say_colour, LABEL), ["x" * 10_000 + " - at `$[7]`"])

    assert error.parameter == "colour"
    assert len(str(error)) < 500


def test_nothing_is_coerced() -> None:
    def say(socket: Socket, text: str, number: int, truth: bool) -> None: ...

    plan = bind(say, LABEL)

    assert refusal(plan, [1, 1, True]).parameter == "text"
    assert refusal(plan, ["", "1", True]).parameter == "number"
    assert refusal(plan, ["", True, True]).parameter == "number"
    assert refusal(plan, ["", 1, 1]).parameter == "truth"


@pytest.mark.parametrize(("args", "carried"), [([], "0 arguments"), (["hello"], "1 argument")])
def test_a_missing_argument_is_named(args: list[Any], carried: str) -> None:
    def say(socket: Socket, text: str, volume: int) -> None: ...

    error = refusal(bind(say, LABEL), args)

    missing, expected = [("text", "str"), ("volume", "int")][len(args)]
    assert str(error) == f"{LABEL} expects {expected} for parameter '{missing}', but the event carried only {carried}"
    assert (error.parameter, error.expected) == (missing, expected)


def test_a_missing_argument_of_any_type_is_named() -> None:
    plan = bind(lambda socket, text: None, LABEL)

    assert "expects a value for parameter 'text'" in str(refusal(plan, []))


def test_too_many_arguments_are_refused() -> None:
    def say(socket: Socket, text: str, volume: int = 1) -> None: ...

    error = refusal(bind(say, LABEL), ["hello", 1, 2])

    assert str(error) == f"{LABEL} expects at most 2, but the event carried 3 arguments"


# Hooks: the arguments are always the same, the handler takes as many as it wants


def test_a_hook_may_leave_out_what_it_is_offered() -> None:
    def enter(socket: Socket) -> None: ...

    assert bind(enter, LABEL, offered=["auth"]).arguments([{"name": "Ann"}]) == []


def test_a_hook_gets_what_it_is_offered_as_its_annotation_says() -> None:
    def enter(socket: Socket, auth: Move) -> None: ...

    plan = bind(enter, LABEL, offered=["auth"])

    assert plan.arguments([{"x": 1}]) == (Move(1),)
    assert refusal(plan, [None]).parameter == "auth"


def test_a_hook_may_take_more_when_it_has_defaults() -> None:
    def enter(socket: Socket, auth: Any, limit: int = 3, *rest: int) -> None: ...

    assert bind(enter, LABEL, offered=["auth"]).arguments([1]) == (1,)


def test_a_handler_is_named_by_module_and_name() -> None:
    assert name_of(functools.partial(Chat().said)) == f"{__name__}.Chat.said"
