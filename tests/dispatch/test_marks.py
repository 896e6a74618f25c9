"""Methods that are marked as handlers, and the object whose methods a namespace includes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from antiphon.dispatch import marks
from antiphon.dispatch.marks import include, on, on_any, on_any_outgoing, on_connect, on_disconnect, once
from antiphon.errors import LocalProtocolError


class Notebook:
    """A namespace that writes down what is registered."""

    def __init__(self) -> None:
        self.registered: list[tuple[str, Any]] = []

    def __repr__(self) -> str:
        return "<Notebook>"

    def on(self, event: str, *, concurrent: bool = False) -> Callable[[Any], Any]:
        how = f"on {event}" + (" concurrent" if concurrent else "")
        return lambda function: self.registered.append((how, function))

    def once(self, event: str, *, concurrent: bool = False) -> Callable[[Any], Any]:
        return lambda function: self.registered.append((f"once {event}", function))

    def on_any(self, function: Any) -> None:
        self.registered.append(("on_any", function))

    def on_any_outgoing(self, function: Any) -> None:
        self.registered.append(("on_any_outgoing", function))

    def on_connect(self, function: Any) -> None:
        self.registered.append(("on_connect", function))

    def on_disconnect(self, function: Any) -> None:
        self.registered.append(("on_disconnect", function))

    @property
    def how(self) -> list[str]:
        return [how for how, _ in self.registered]

    def heard(self, how: str) -> list[Any]:
        """What the functions registered in this way return."""
        return [function() for registered, function in self.registered if registered == how]


@pytest.fixture
def notebook() -> Notebook:
    return Notebook()


class Chat:
    def __init__(self, name: str = "chat") -> None:
        self.name = name

    @on_connect
    def enter(self) -> str:
        return f"enter {self.name}"

    @on("say", concurrent=True)
    @on("tell")
    def say(self) -> str:
        return f"say in {self.name}"

    @once("hello")
    def hello(self) -> str:
        return f"hello {self.name}"

    @on_any
    def log(self) -> None: ...

    @on_any_outgoing
    def log_outgoing(self) -> None: ...

    @on_disconnect
    def leave(self) -> None: ...

    def helper(self) -> None: ...


def test_marked_methods_are_registered_in_the_order_of_their_definition(notebook: Notebook) -> None:
    include(notebook, Chat())

    assert notebook.how == [
        "on_connect",
        "on say concurrent",
        "on tell",
        "once hello",
        "on_any",
        "on_any_outgoing",
        "on_disconnect",
    ]


def test_methods_are_registered_bound_to_their_object(notebook: Notebook) -> None:
    include(notebook, Chat("one"))
    include(notebook, Chat("two"))

    assert notebook.heard("on tell") == ["say in one", "say in two"]


def test_include_returns_the_object(notebook: Notebook) -> None:
    chat = Chat()

    assert include(notebook, chat) is chat


def test_a_marked_method_can_still_be_called() -> None:
    assert Chat("chat").say() == "say in chat"


# Inheritance


def test_methods_of_base_classes_are_registered_before_those_of_the_class_itself(notebook: Notebook) -> None:
    class Room(Chat):
        @on("paint")
        def paint(self) -> None: ...

    include(notebook, Room())

    assert notebook.how[0] == "on_connect"
    assert notebook.how[-1] == "on paint"


def test_an_override_takes_the_place_of_what_it_overrides(notebook: Notebook) -> None:
    class Loud(Chat):
        def say(self) -> str:
            return super().say().upper()

    include(notebook, Loud("chat"))

    assert notebook.heard("on tell") == ["SAY IN CHAT"]
    assert notebook.heard("on say concurrent") == ["SAY IN CHAT"]


def test_the_marks_of_an_override_take_the_place_of_those_of_the_base(notebook: Notebook) -> None:
    class Other(Chat):
        @on("shout")
        def say(self) -> str:
            return "shouted"

    include(notebook, Other())

    assert notebook.how[1:3] == ["on shout", "once hello"]
    assert notebook.heard("on shout") == ["shouted"]


def test_a_subclass_may_have_less_handlers(notebook: Notebook) -> None:
    class Silent(Chat):
        say = None  # type: ignore[assignment]  # how a method is taken away

    include(notebook, Silent())

    assert "on say" not in notebook.how


def test_an_inherited_method_is_registered_once_when_classes_meet_again(notebook: Notebook) -> None:
    class Left(Chat): ...

    class Right(Chat): ...

    class Both(Left, Right): ...

    include(notebook, Both())

    assert notebook.how.count("on tell") == 1


@pytest.mark.parametrize("outside", [staticmethod, classmethod])
def test_static_and_class_methods_may_be_marked(notebook: Notebook, outside: Any) -> None:
    class Tools:
        name = "tools"
        within = outside(on("a")(lambda *_: "within"))
        around = on("b")(outside(lambda *_: "around"))

    include(notebook, Tools())

    assert (notebook.heard("on a"), notebook.heard("on b")) == (["within"], ["around"])


def test_a_decorator_over_a_marked_method_keeps_the_mark(notebook: Notebook) -> None:
    def loudly(method: Callable[[Any], str]) -> Callable[[Any], str]:
        @functools.wraps(method)
        def wrapper(self: Any) -> str:
            return method(self).upper()

        return wrapper

    class Hall:
        @loudly
        @on("say")
        def say(self) -> str:
            return "said"

    include(notebook, Hall())

    assert notebook.heard("on say") == ["SAID"]


def test_what_else_stands_in_the_class_is_left_alone(notebook: Notebook) -> None:
    class Anything:
        def __getattr__(self, name: str) -> Any:
            return self

    class Cluttered(Chat):
        anything = Anything()
        asked = 0

        @property
        def count(self) -> int:
            raise AssertionError("nobody is to look")

    include(notebook, Cluttered())

    assert len(notebook.how) == 7


# Mistakes


def test_an_object_without_marks_is_refused(notebook: Notebook) -> None:
    class Plain:
        def __repr__(self) -> str:
            return "<Plain>"

        def say(self) -> None: ...

    with pytest.raises(TypeError) as caught:
        include(notebook, Plain())

    assert str(caught.value) == (
        "<Plain> has no marked method to include; mark one, for instance with @antiphon.on('say')"
    )


def test_a_class_is_refused_with_the_remedy(notebook: Notebook) -> None:
    with pytest.raises(TypeError, match=r"was given the class Chat; make one: include\(Chat\(\)\)$"):
        include(notebook, Chat)


@pytest.mark.parametrize("hook", ["on_suspend", "on_resume"])
def test_what_a_namespace_does_not_have_is_refused_and_nothing_is_registered(notebook: Notebook, hook: str) -> None:
    class Suspending(Chat):
        def pause(self) -> None: ...

    getattr(marks, hook)(Suspending.pause)

    with pytest.raises(LocalProtocolError, match=rf"^<Notebook> has no {hook}, which Suspending asks for$"):
        include(notebook, Suspending())
    assert notebook.how == []


@pytest.mark.parametrize("decorator", [on, once])
def test_a_mark_without_its_name_is_refused_with_the_remedy(decorator: Any) -> None:
    with pytest.raises(TypeError, match=rf"write @{decorator.__name__}\('say'\) instead of @{decorator.__name__}"):
        decorator(lambda self: None)


def test_what_cannot_be_marked_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot be marked as a handler; define a method with def"):
        on_any(print)
