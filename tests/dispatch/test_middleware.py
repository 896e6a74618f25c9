"""Middleware composed into one function: its order, what it may change, and which functions are refused."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.dispatch.middleware import Around, Middleware, Proceed, compose


def layer(name: str, order: list[str]) -> Around:
    async def around(record: str, proceed: Proceed) -> Any:
        order.append(f"{name} begins with {record}")
        result = await proceed(f"{record}>{name}")
        order.append(f"{name} ends with {result}")
        return f"{result}<{name}"

    return around


async def core(record: str) -> str:
    return f"({record})"


# Composing


def test_no_layers_compose_to_nothing() -> None:
    assert compose([]) is None


async def test_a_single_layer_stays_itself() -> None:
    only = layer("a", [])

    assert compose([only]) is only


async def test_the_first_layer_is_the_outermost() -> None:
    order: list[str] = []
    around = compose([layer("a", order), layer("b", order), layer("c", order)])
    assert around is not None

    result = await around("in", core)

    assert result == "(in>a>b>c)<c<b<a"
    assert order == [
        "a begins with in",
        "b begins with in>a",
        "c begins with in>a>b",
        "c ends with (in>a>b>c)",
        "b ends with (in>a>b>c)<c",
        "a ends with (in>a>b>c)<c<b",
    ]


async def test_a_layer_that_does_not_proceed_keeps_the_inner_ones_from_running() -> None:
    order: list[str] = []

    async def guard(record: str, proceed: Proceed) -> str:
        return "not today"

    around = compose([layer("a", order), guard, layer("c", order)])
    assert around is not None

    assert await around("in", core) == "not today<a"
    assert order == ["a begins with in", "a ends with not today"]


async def test_an_exception_passes_through_the_layers_around_it() -> None:
    seen: list[str] = []

    async def watch(record: str, proceed: Proceed) -> Any:
        try:
            return await proceed(record)
        except KeyError as error:
            seen.append(repr(error))
            raise

    async def broken(record: str, proceed: Proceed) -> Any:
        raise KeyError(record)

    around = compose([watch, broken])
    assert around is not None

    with pytest.raises(KeyError):
        await around("in", core)
    assert seen == ["KeyError('in')"]


async def test_a_layer_may_proceed_again() -> None:
    async def twice(record: str, proceed: Proceed) -> Any:
        return [await proceed(record), await proceed(record)]

    around = compose([twice, layer("b", [])])
    assert around is not None

    assert await around("in", core) == ["(in>b)<b"] * 2


# Registering


@pytest.fixture
def server() -> Middleware:
    return Middleware("the server")


async def ran(middleware: Middleware) -> str:
    assert middleware.event is not None
    return str(await middleware.event("in", core))


def test_there_is_nothing_around_without_middleware(server: Middleware) -> None:
    namespace = Middleware("namespace '/chat'", server)

    assert (namespace.connect, namespace.event, namespace.emit) == (None, None, None)


async def test_what_is_around_one_place_is_not_around_the_others(server: Middleware) -> None:
    server.add("event", layer("a", []))

    assert await ran(server) == "(in>a)<a"
    assert (server.connect, server.emit) == (None, None)


async def test_that_of_the_server_is_outside_of_that_of_the_namespace_whenever_it_comes(server: Middleware) -> None:
    server.add("event", layer("early", []))
    namespace = Middleware("namespace '/chat'", server)
    namespace.add("event", layer("own", []))
    server.add("event", layer("late", []))

    assert await ran(namespace) == "(in>early>late>own)<own<late<early"


async def test_that_of_one_namespace_is_not_around_another(server: Middleware) -> None:
    chat, news = Middleware("namespace '/chat'", server), Middleware("namespace '/news'", server)

    chat.add("event", layer("chat", []))

    assert chat.event is not None
    assert news.event is None


def test_a_registered_function_stays_as_it_is(server: Middleware) -> None:
    around = layer("a", [])

    assert server.add("event", around) is around


def test_middleware_that_is_not_async_is_refused(server: Middleware) -> None:
    def around(record: Any, proceed: Proceed) -> None: ...

    with pytest.raises(TypeError) as caught:
        server.add("event", around)

    assert str(caught.value) == (
        f"the middleware around_event of the server ({__name__}.{around.__qualname__}) awaits proceed(record); "
        f"make it async def"
    )


async def takes_one(record: Any) -> None: ...
async def takes_three(record: Any, proceed: Proceed, more: Any) -> None: ...


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (takes_one, r"must take \(record, proceed\) first, but takes 1 arguments"),
        (takes_three, r"is given \(record, proceed\); give parameter 'more' a default or remove it"),
        ("no function", r"must be a function, but is 'no function'"),
    ],
    ids=["one", "three", "none"],
)
def test_middleware_that_cannot_be_called_as_such_is_refused(server: Middleware, function: Any, problem: str) -> None:
    with pytest.raises(TypeError, match=f"^the middleware around_connect of the server.*{problem}$"):
        server.add("connect", function)
    assert server.connect is None
