"""Which functions an event runs, and which registrations are refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
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


def functions(first: Handler | None) -> list[Any]:
    """What an event runs, in order."""
    return [] if first is None else [handler.function for handler in (first, *first.others)]


def test_an_event_finds_its_handler(handlers: Handlers) -> None:
    handlers.on("say")(say)
    handlers.on("shout", concurrent=True)(shout)

    found = registered(handlers.find("say"))
    beside = registered(handlers.find("shout"))

    assert (found.name, found.function, found.concurrent, found.is_async) == ("say", say, False, False)
    assert (beside.name, beside.function, beside.concurrent, beside.is_async) == ("shout", shout, True, True)


def test_an_unknown_event_has_no_handler(handlers: Handlers) -> None:
    assert handlers.find("say") is None
    assert handlers.first("say", ("socket",)) == (None, ("socket", "say"))


def test_decorating_leaves_the_function_as_it_is(handlers: Handlers) -> None:
    assert handlers.on("say")(say) is say
    assert handlers.once("say")(say) is say
    assert handlers.on_any(say) is say
    assert handlers.on_any_outgoing(say) is say
    assert handlers.on_connect(say) is say
    assert handlers.on_disconnect(say) is say


def test_a_function_can_be_registered_without_decorating(handlers: Handlers) -> None:
    handler = handlers.add("say", say)

    assert registered(handlers.find("say")).plan is handler.plan


def test_one_function_may_handle_several_events(handlers: Handlers) -> None:
    handlers.on("say")(handlers.on("tell")(say))

    assert registered(handlers.find("say")).function is registered(handlers.find("tell")).function is say


def test_the_plan_of_a_handler_speaks_of_event_and_namespace(handlers: Handlers) -> None:
    handlers.on("say")(say)

    with pytest.raises(PayloadError, match=r"^handler 'say' of namespace '/chat' expects str for parameter 'text'"):
        registered(handlers.find("say")).plan.arguments([1])


# Several handlers of one event


def test_an_event_may_have_several_handlers_in_the_order_of_their_registration(handlers: Handlers) -> None:
    handlers.on("say")(say)
    handlers.on("say", concurrent=True)(shout)
    handlers.on("say")(print)

    first = registered(handlers.find("say"))

    assert functions(first) == [say, shout, print]
    assert [handler.concurrent for handler in first.others] == [True, False]


def test_one_handler_can_be_taken_out(handlers: Handlers) -> None:
    for function in (say, shout, print):
        handlers.on("say")(function)

    handlers.off("say", say)

    assert functions(handlers.find("say")) == [shout, print]


def test_all_handlers_of_an_event_can_be_taken_out(handlers: Handlers) -> None:
    handlers.on("say")(say)
    handlers.on("say")(shout)
    handlers.on("tell")(say)

    handlers.off("say")

    assert handlers.find("say") is None
    assert functions(handlers.find("tell")) == [say]


def test_taking_out_what_is_not_there_does_nothing(handlers: Handlers) -> None:
    handlers.on("say")(say)

    handlers.off("say", shout)
    handlers.off("tell")

    assert functions(handlers.find("say")) == [say]


def test_a_method_is_taken_out_by_being_named_again(handlers: Handlers) -> None:
    class Chat:
        def said(self, socket: Any) -> None: ...

    one, other = Chat(), Chat()
    handlers.on("say")(one.said)
    handlers.on("say")(other.said)

    handlers.off("say", one.said)

    assert functions(handlers.find("say")) == [other.said]


def test_a_handler_that_runs_once_can_be_spent_once(handlers: Handlers) -> None:
    handlers.once("say")(say)
    handlers.on("say")(shout)
    first = registered(handlers.find("say"))

    assert first.once
    assert handlers.spend(first)
    assert not handlers.spend(first)
    assert functions(handlers.find("say")) == [shout]


def test_spending_takes_out_one_registration_of_a_function_and_not_the_others(handlers: Handlers) -> None:
    handlers.on("say")(say)
    handlers.once("say")(say)

    assert handlers.spend(registered(handlers.find("say")).others[0])

    assert functions(handlers.find("say")) == [say]
    assert not registered(handlers.find("say")).once


# The hot path: what is run without looking any further


def test_a_plain_handler_is_direct(handlers: Handlers) -> None:
    handlers.on("say")(say)

    assert registered(handlers.direct("say")).function is say


async def ticks(socket: Any) -> AsyncIterator[int]:
    yield 1


async def rows(socket: Any, rows: AsyncIterator[int]) -> None: ...


@pytest.mark.parametrize(
    "complicate",
    [
        lambda handlers: handlers.on("say")(shout),
        lambda handlers: handlers.on_any(lambda socket, event, *args: None),
        lambda handlers: handlers.guard(True),
    ],
    ids=["another handler", "somebody who is told of everything", "somebody to be asked first"],
)
@pytest.mark.parametrize("early", [False, True])
def test_a_handler_is_not_direct_when_there_is_more_to_do(handlers: Handlers, complicate: Any, early: bool) -> None:
    if early:
        complicate(handlers)
    handlers.on("say")(say)
    if not early:
        complicate(handlers)

    assert handlers.direct("say") is None
    assert say in functions(handlers.find("say"))


@pytest.mark.parametrize(
    "register",
    [
        lambda handlers: handlers.on("say", concurrent=True)(say),
        lambda handlers: handlers.once("say")(say),
        lambda handlers: handlers.on("say")(ticks),
        lambda handlers: handlers.on("say")(rows),
    ],
    ids=["concurrent", "once", "streams its answer", "reads a stream"],
)
def test_a_handler_that_is_run_in_another_way_is_not_direct(handlers: Handlers, register: Any) -> None:
    register(handlers)

    assert handlers.direct("say") is None
    assert handlers.find("say") is not None


def test_a_handler_is_direct_again_when_the_rest_is_taken_out(handlers: Handlers) -> None:
    handlers.on("say")(say)
    handlers.on("say")(shout)
    handlers.on_any(print)
    handlers.guard(True)

    handlers.off("say", shout)
    handlers.off_any(print)
    handlers.guard(False)

    assert registered(handlers.direct("say")).function is say


# Streams


def test_a_handler_with_streams_may_be_followed_by_others(handlers: Handlers) -> None:
    handlers.on("say")(ticks)
    handlers.on("say")(say)

    assert functions(handlers.find("say")) == [ticks, say]


@pytest.mark.parametrize("streaming", [ticks, rows])
def test_a_handler_with_streams_must_be_the_first(handlers: Handlers, streaming: Any) -> None:
    handlers.on("say")(say)

    with pytest.raises(LocalProtocolError) as caught:
        handlers.on("say")(streaming)

    assert str(caught.value) == (
        f"handler 'say' of namespace '/chat' ({__name__}.{streaming.__name__}) has streams, which belong to who "
        f"answers: the first handler; register it before {__name__}.say"
    )
    assert functions(handlers.find("say")) == [say]


@pytest.mark.parametrize("decorator", ["on_any", "on_any_outgoing", "on_connect", "on_disconnect"])
def test_what_nobody_calls_cannot_stream(handlers: Handlers, decorator: str) -> None:
    async def streaming(*args: Any) -> AsyncIterator[int]:
        yield 1

    with pytest.raises(TypeError, match=rf"^{decorator} of namespace '/chat' .* has streams, but nobody calls it"):
        getattr(handlers, decorator)(streaming)


# The catch-all


def test_a_star_registers_what_takes_events_without_a_handler(handlers: Handlers) -> None:
    @handlers.on("*", concurrent=True)
    def log(socket: Any, event: str, *args: int) -> None: ...

    handler, leading = handlers.first("say", ("socket",))

    assert registered(handler).function is log
    assert registered(handler).concurrent
    assert registered(handler).plan.arguments([1, 2]) == (1, 2)
    assert leading == ("socket", "say")


def test_an_event_with_a_handler_does_not_reach_the_catch_all(handlers: Handlers) -> None:
    handlers.on("*")(print)
    handlers.on("say")(say)

    handler, leading = handlers.first("say", ("socket",))

    assert functions(handler) == [say]
    assert leading == ("socket",)


def test_an_event_that_a_peer_calls_star_is_like_any_other(handlers: Handlers) -> None:
    handlers.on("*")(say)

    assert handlers.find("*") is None
    assert handlers.direct("*") is None
    assert handlers.first("*", ())[1] == ("*",)


def test_there_may_be_several_catch_alls_and_each_can_be_taken_out(handlers: Handlers) -> None:
    handlers.on("*")(say)
    handlers.once("*")(shout)
    assert functions(handlers.fallback) == [say, shout]

    handlers.off("*", say)
    assert functions(handlers.fallback) == [shout]

    assert handlers.spend(registered(handlers.fallback))
    assert handlers.fallback is None


def test_a_catch_all_without_room_for_the_event_is_refused(handlers: Handlers) -> None:
    with pytest.raises(TypeError, match=r"must take \(socket, event\) first"):
        handlers.on("*")(lambda socket: None)


# Who is told of every event


def test_several_may_be_told_of_every_event(handlers: Handlers) -> None:
    @handlers.on_any
    def log(socket: Any, event: str, *args: int) -> None: ...

    handlers.on_any(shout)

    assert [listener.function for listener in handlers.any] == [log, shout]
    assert handlers.any[0].plan.arguments([1, 2]) == (1, 2)


def test_who_is_told_can_be_taken_out(handlers: Handlers) -> None:
    for function in (say, shout, print):
        handlers.on_any(function)
        handlers.on_any_outgoing(print)

    handlers.off_any(shout)
    assert [listener.function for listener in handlers.any] == [say, print]

    handlers.off_any()
    handlers.off_any_outgoing(print)
    assert (handlers.any, handlers.outgoing) == ((), ())


def test_who_is_told_of_outgoing_events_is_given_no_socket(handlers: Handlers) -> None:
    @handlers.on_any_outgoing
    def log(event: str, *args: int) -> None: ...

    assert handlers.outgoing[0].plan.arguments([1, 2]) == (1, 2)


def test_who_is_told_of_outgoing_events_cannot_be_async(handlers: Handlers) -> None:
    with pytest.raises(TypeError) as caught:
        handlers.on_any_outgoing(shout)

    assert str(caught.value) == (
        f"on_any_outgoing of namespace '/chat' ({__name__}.shout) is told where an event is emitted, "
        f"and there nobody waits for it; make it a function without async"
    )
    assert handlers.outgoing == ()


# The hooks


def test_a_namespace_starts_without_hooks(handlers: Handlers) -> None:
    assert (handlers.connect, handlers.disconnect, handlers.any, handlers.outgoing) == ((), (), (), ())
    assert handlers.fallback is None


def test_on_connect_gets_the_credentials_when_it_asks(handlers: Handlers) -> None:
    @handlers.on_connect
    async def enter(socket: Any, auth: dict[str, str]) -> None: ...

    [handler] = handlers.connect

    assert (handler.function, handler.is_async) == (enter, True)
    assert handler.plan.arguments([{"name": "Ann"}]) == ({"name": "Ann"},)


def test_on_connect_may_do_without_the_credentials(handlers: Handlers) -> None:
    handlers.on_connect(lambda socket: None)

    assert list(handlers.connect[0].plan.arguments([{"name": "Ann"}])) == []


def test_on_disconnect_gets_the_reason_when_it_asks(handlers: Handlers) -> None:
    @handlers.on_disconnect
    def gone(socket: Any, reason: str) -> None: ...

    assert handlers.disconnect[0].function is gone
    assert handlers.disconnect[0].plan.arguments(["expired"]) == ("expired",)


def test_there_may_be_several_of_a_hook_in_the_order_of_their_registration(handlers: Handlers) -> None:
    for function in (say, shout):
        handlers.on_connect(function)
        handlers.on_disconnect(function)

    assert [handler.function for handler in handlers.connect] == [say, shout]
    assert [handler.function for handler in handlers.disconnect] == [say, shout]


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


@pytest.mark.parametrize("decorator", ["on", "once"])
def test_a_decorator_without_its_name_is_refused_with_the_remedy(handlers: Handlers, decorator: str) -> None:
    with pytest.raises(TypeError, match=rf"write @{decorator}\('say'\) instead of @{decorator}"):
        getattr(handlers, decorator)(say)
