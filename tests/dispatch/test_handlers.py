"""Which function an event runs, and which registrations are refused."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.dispatch.handlers import Handler, Handlers
from antiphon.errors import LocalProtocolError, PayloadError


def say(socket: Any, text: str) -> None: ...


async def shout(socket: Any, text: str) -> None: ...


def registered(handler: Handler | None) -> Handler:
    assert handler is not None
    return handler


@pytest.fixture
def handlers() -> Handlers:
    return Handlers("/chat")


def test_an_event_finds_its_handler(handlers: Handlers) -> None:
    handlers.on("say")(say)
    handlers.on("shout", concurrent=True)(shout)

    found = registered(handlers.get("say"))
    beside = registered(handlers.get("shout"))

    assert (found.name, found.function, found.concurrent, found.is_async) == ("say", say, False, False)
    assert (beside.name, beside.function, beside.concurrent, beside.is_async) == ("shout", shout, True, True)


def test_an_unknown_event_has_no_handler(handlers: Handlers) -> None:
    assert handlers.get("say") is None


def test_decorating_leaves_the_function_as_it_is(handlers: Handlers) -> None:
    assert handlers.on("say")(say) is say
    assert handlers.on_any(say) is say
    assert handlers.on_connect(say) is say
    assert handlers.on_disconnect(say) is say


def test_a_function_can_be_registered_without_decorating(handlers: Handlers) -> None:
    handler = handlers.add("say", say)

    assert handlers.get("say") is handler


def test_one_function_may_handle_several_events(handlers: Handlers) -> None:
    handlers.on("say")(handlers.on("tell")(say))

    assert registered(handlers.get("say")).function is registered(handlers.get("tell")).function is say


def test_the_plan_of_a_handler_speaks_of_event_and_namespace(handlers: Handlers) -> None:
    handlers.on("say")(say)

    with pytest.raises(PayloadError, match=r"^handler 'say' of namespace '/chat' expects str for parameter 'text'"):
        registered(handlers.get("say")).plan.arguments([1])


def test_a_second_handler_of_an_event_is_refused_and_both_are_named(handlers: Handlers) -> None:
    handlers.on("say")(say)

    with pytest.raises(LocalProtocolError) as caught:
        handlers.on("say")(shout)

    assert str(caught.value) == (
        f"handler 'say' of namespace '/chat' is {__name__}.say already, so {__name__}.shout cannot be it too; "
        f"let one of them call the other"
    )
    assert registered(handlers.get("say")).function is say


# The catch-all


def test_the_catch_all_is_given_socket_and_event_before_the_arguments(handlers: Handlers) -> None:
    @handlers.on_any
    def log(socket: Any, event: str, *args: int) -> None: ...

    assert registered(handlers.any).function is log
    assert registered(handlers.any).plan.arguments([1, 2]) == (1, 2)


def test_a_star_registers_the_catch_all(handlers: Handlers) -> None:
    @handlers.on("*", concurrent=True)
    def log(socket: Any, event: str, *args: Any) -> None: ...

    assert registered(handlers.any).function is log
    assert registered(handlers.any).concurrent


def test_an_event_that_a_peer_calls_star_is_like_any_other(handlers: Handlers) -> None:
    handlers.on_any(say)

    assert handlers.get("*") is None


def test_a_second_catch_all_is_refused(handlers: Handlers) -> None:
    handlers.on_any(say)

    with pytest.raises(LocalProtocolError, match=r"the catch-all handler of namespace '/chat' is .*\.say already"):
        handlers.on("*")(shout)


def test_a_catch_all_without_room_for_the_event_is_refused(handlers: Handlers) -> None:
    with pytest.raises(TypeError, match=r"must take \(socket, event\) first"):
        handlers.on_any(lambda socket: None)


# The hooks


def test_a_namespace_starts_without_hooks(handlers: Handlers) -> None:
    assert handlers.connect is None
    assert handlers.disconnect is None
    assert handlers.any is None


def test_on_connect_gets_the_credentials_when_it_asks(handlers: Handlers) -> None:
    @handlers.on_connect
    async def enter(socket: Any, auth: dict[str, str]) -> None: ...

    assert registered(handlers.connect).function is enter
    assert registered(handlers.connect).is_async
    assert registered(handlers.connect).plan.arguments([{"name": "Ann"}]) == ({"name": "Ann"},)


def test_on_connect_may_do_without_the_credentials(handlers: Handlers) -> None:
    handlers.on_connect(lambda socket: None)

    assert list(registered(handlers.connect).plan.arguments([{"name": "Ann"}])) == []


def test_on_disconnect_gets_the_reason_when_it_asks(handlers: Handlers) -> None:
    @handlers.on_disconnect
    def gone(socket: Any, reason: str) -> None: ...

    assert registered(handlers.disconnect).function is gone
    assert registered(handlers.disconnect).plan.arguments(["expired"]) == ("expired",)


@pytest.mark.parametrize("hook", ["on_connect", "on_disconnect"])
def test_a_second_hook_is_refused_and_both_are_named(handlers: Handlers, hook: str) -> None:
    getattr(handlers, hook)(say)

    with pytest.raises(LocalProtocolError, match=rf"{hook} of namespace '/chat' is .*\.say already, so .*\.shout "):
        getattr(handlers, hook)(shout)


# Names


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("connect", "use on_connect"),
        ("disconnect", "use on_disconnect"),
        ("connect_error", "raises"),
    ],
)
def test_a_reserved_name_is_refused_with_a_remedy(handlers: Handlers, name: str, remedy: str) -> None:
    with pytest.raises(LocalProtocolError, match=rf"^'{name}' is not an event of namespace '/chat': .*{remedy}"):
        handlers.on(name)(say)


def test_an_empty_name_is_refused(handlers: Handlers) -> None:
    with pytest.raises(LocalProtocolError, match="empty name"):
        handlers.on("")(say)


def test_a_name_may_have_128_characters_and_no_more(handlers: Handlers) -> None:
    handlers.on("x" * 128)(say)

    with pytest.raises(LocalProtocolError, match="has 129 characters; shorten it to 128"):
        handlers.on("y" * 129)(say)


def test_the_longest_name_can_be_set() -> None:
    handlers = Handlers("/chat", longest_name=3)

    with pytest.raises(LocalProtocolError, match="shorten it to 3"):
        handlers.on("tell")(say)


def test_a_decorator_without_its_name_is_refused_with_the_remedy(handlers: Handlers) -> None:
    with pytest.raises(TypeError, match=r"write @on\('say'\) instead of @on"):
        handlers.on(say)  # type: ignore[arg-type]  # the mistake under test
