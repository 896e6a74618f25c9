"""A handler's signature, read once into a plan that checks and converts what an event carries."""

from __future__ import annotations

import functools
import inspect
import re
import sys
import typing
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Sequence
from inspect import Parameter
from types import FunctionType, GenericAlias, MethodType, NoneType, SimpleNamespace, UnionType
from typing import Any

import msgspec
from msgspec.inspect import ByteArrayType, BytesType, CustomType, Field, MemoryViewType, Type, type_info
from msgspec.structs import astuple

from antiphon.dispatch.models import Validate, has_model, validating
from antiphon.errors import PayloadError

__all__ = ["Plan", "bind", "name_of"]

_UNCHECKED = (Any, object)
_BINARY_NODES = (BytesType, ByteArrayType, MemoryViewType)
_BINARY = (bytes, bytearray, memoryview)
_STREAMS = (AsyncIterator, AsyncIterable)
_UNIONS = (typing.Union, UnionType)
_MISMATCH = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_REMEDY = "annotate it with builtins, a dataclass, a TypedDict or a msgspec.Struct, or leave it without annotation"


class _StreamOf(typing.NamedTuple):
    """What stands for the type of a parameter that reads a stream."""

    item: Any


class _Model(typing.NamedTuple):
    """What stands for a type that pydantic validates."""

    kind: Any
    validate: Validate


class Plan:
    """What one handler takes. Made by `bind`; `is_async` tells whether calling the handler gives an awaitable.

    `streams`: the parameters that read a stream of the caller, numbered from 1, each with the plan of its items.
    `is_stream`: the handler is an async generator, and streams its answer.
    """

    __slots__ = (
        "_builtins",
        "_fixed",
        "_label",
        "_lenient",
        "_models",
        "_most",
        "_names",
        "_required",
        "_shape",
        "_types",
        "is_async",
        "is_stream",
        "streams",
    )

    def __init__(
        self,
        label: str,
        parameters: Sequence[Parameter],
        types: Sequence[Any],
        *,
        is_async: bool = False,
        is_stream: bool = False,
        lenient: bool = False,
    ) -> None:
        variadic = any(parameter.kind is Parameter.VAR_POSITIONAL for parameter in parameters)
        self.is_async = is_async
        self.is_stream = is_stream
        self.streams: dict[int, Plan] = {}
        for number, kind in enumerate(types, 1):
            if isinstance(kind, _StreamOf):
                place = f"a stream of {label}"
                self.streams[number] = Plan(
                    place, [parameters[number - 1].replace(default=Parameter.empty)], [kind.item]
                )
        self._label = label
        self._lenient = lenient
        self._names = [parameter.name for parameter in parameters]
        self._types = [_type_name(kind) for kind in types]
        self._fixed = len(parameters) - variadic
        self._most = sys.maxsize if variadic else self._fixed
        self._required = sum(parameter.default is Parameter.empty for parameter in parameters[: self._fixed])
        self._shape: type[msgspec.Struct] | None = None
        self._builtins: tuple[type, ...] | None = None
        self._models = [(index, kind.validate) for index, kind in enumerate(types) if isinstance(kind, _Model)]
        types = [Any if isinstance(kind, _StreamOf | _Model) else kind for kind in types]
        if any(kind not in _UNCHECKED for kind in types):
            fields = [*types[: self._fixed], GenericAlias(list, types[-1])] if variadic else types
            # The types of a Struct are compiled once, those of a tuple at every conversion: 0.2 us against 0.6.
            self._shape = msgspec.defstruct(
                "Arguments", [(f"p{index}", kind, None) for index, kind in enumerate(fields)], array_like=True, gc=False
            )
            # Otherwise msgspec takes a str for base64. Only where it matters: naming bytes costs 0.5 us per event.
            if any(isinstance(node, _BINARY_NODES) for kind in types for node in _nodes(kind)):
                self._builtins = _BINARY

    def arguments(self, args: list[Any]) -> Sequence[Any]:
        """Give `args` as the handler expects them, to stand behind its leading parameters (the socket).

        Raises PayloadError when they do not fit, in words for the one who sent them.
        """
        count = len(args)
        if not self._required <= count <= self._most:
            if count < self._required or not self._lenient:
                raise self._miscount(count)
            args = args[: self._most]
        if self._shape is None:
            return self._validated(args) if self._models else args
        fixed = self._fixed
        carried = [*args[:fixed], args[fixed:]] if count > fixed and self._most > fixed else args
        try:
            bound = astuple(msgspec.convert(carried, self._shape, builtin_types=self._builtins))
        except msgspec.ValidationError as error:
            raise self._misfit(args, str(error)) from error
        # What was not given keeps the default of the handler, not the one of the shape.
        bound = bound[: len(args)] if carried is args else (*bound[:fixed], *bound[fixed])
        return self._validated(bound) if self._models else bound

    def _validated(self, args: Sequence[Any]) -> Sequence[Any]:
        """What msgspec was not asked about, pydantic is."""
        bound = list(args)
        for index, validate in self._models:
            # The last one of a *args stands for all that follow.
            for place in range(index, min(len(bound), index + 1 if index < self._fixed else self._most)):
                bound[place] = validate(bound[place], functools.partial(self._unfit, place))
        return bound

    def _unfit(self, place: int, problem: str, path: str) -> PayloadError:
        index = min(place, self._fixed)
        offset = f"[{place - index}]" if index == self._fixed else ""
        return self._no_fit(self._names[index] + offset + path, self._types[index], problem)

    def _no_fit(self, name: str, expected: str, problem: str) -> PayloadError:
        # The problem may quote what the peer sent, which may be long.
        problem = problem if len(problem) <= 200 else problem[:200] + "..."
        text = f"{self._label} expects {expected} for parameter {name!r}, but the event does not fit: {problem}"
        return PayloadError(text, parameter=name, expected=expected)

    def is_text(self, index: int) -> bool:
        """Whether a parameter is annotated as a str."""
        return self._types[index : index + 1] == ["str"]

    def item(self, value: Any) -> Any:
        """Give one value as the handler expects it. Raises PayloadError as `arguments` does."""
        return self.arguments([value])[0]

    def _miscount(self, count: int) -> PayloadError:
        arguments = "1 argument" if count == 1 else f"{count} arguments"
        if count > self._most:
            expected = f"at most {self._most}"
            text = f"{self._label} expects {expected}, but the event carried {arguments}"
            return PayloadError(text, expected=expected)
        name, expected = self._names[count], self._types[count]
        text = f"{self._label} expects {expected} for parameter {name!r}, but the event carried only {arguments}"
        return PayloadError(text, parameter=name, expected=expected)

    def _misfit(self, args: list[Any], message: str) -> PayloadError:
        """Say in our words what msgspec says in its own: "Expected `int`, got `str` - at `$[0].x`"."""
        problem, _, place = message.rpartition(" - at ")
        # The first brackets number the argument; in the rest of *args the next ones do.
        number, _, path = place.rstrip("`").partition("$[")[2].partition("]")
        index = int(number)
        name, expected, inner = self._names[index] + path, self._types[index], path
        if index == self._fixed:
            offset, _, inner = path[1:].partition("]")
            index += int(offset)
        mismatch = _MISMATCH.fullmatch(problem)
        if mismatch is None:
            return self._no_fit(name, expected, problem)
        carried = mismatch[2]
        if inner:
            expected = mismatch[1]
        else:
            carried = _type_name(type(args[index]))
        text = f"{self._label} expects {expected} for parameter {name!r}, but the event carried {carried}"
        return PayloadError(text, parameter=name, expected=expected)


def bind(
    handler: Callable[..., Any],
    label: str,
    *,
    leading: Sequence[str] = ("socket",),
    offered: Sequence[str] | None = None,
) -> Plan:
    """Read the signature of `handler` into a plan; `label` names the handler in errors.

    `leading` is what the handler is given in front of the bound arguments, whatever its annotations say.
    `offered` is for hooks: the arguments are always these, and the handler may leave the last of them out.
    Raises TypeError for a signature that no event could be bound to.
    """
    if not callable(handler):
        raise TypeError(f"{label} must be a function, but is {handler!r}")
    layers = _layers(handler)
    owner = f"{label} ({name_of(handler)})"
    try:
        signature = inspect.signature(handler)
    except ValueError as error:
        raise TypeError(f"{owner} has no signature that Python can read; wrap it in a function") from error
    parameters = _bound_parameters(owner, signature, leading)
    if offered is not None:
        for parameter in parameters[len(offered) :]:
            if parameter.kind is not Parameter.VAR_POSITIONAL and parameter.default is Parameter.empty:
                given = ", ".join([*leading, *offered])
                raise TypeError(f"{owner} is given ({given}); give parameter {parameter.name!r} a default or remove it")
    types = [_annotated_type(owner, parameter, layers[-1]) for parameter in parameters]
    is_async = any(inspect.iscoroutinefunction(layer) for layer in layers)
    is_stream = any(inspect.isasyncgenfunction(layer) for layer in layers)
    return Plan(label, parameters, types, is_async=is_async, is_stream=is_stream, lenient=offered is not None)


def name_of(handler: Callable[..., Any]) -> str:
    """Where the user finds `handler`: its module and name."""
    function = _layers(handler)[-1]
    return f"{function.__module__}.{function.__qualname__}" if isinstance(function, FunctionType) else repr(function)


def _layers(handler: Any) -> list[Any]:
    """`handler` and what it wraps (partials, methods, decorated functions, callable objects), the function last.

    A decorator that gives back what it wraps is async when that is, so the layers between count too.
    """
    layers = [handler]
    while True:
        layer = layers[-1]
        if isinstance(layer, functools.partial):
            layers.append(layer.func)
        elif isinstance(layer, MethodType):
            layers.append(layer.__func__)
        elif hasattr(layer, "__wrapped__"):
            layers.append(layer.__wrapped__)
        elif not isinstance(layer, FunctionType) and isinstance(type(layer).__call__, FunctionType):
            layers.append(type(layer).__call__)
        else:
            return layers


def _bound_parameters(owner: str, signature: inspect.Signature, leading: Sequence[str]) -> list[Parameter]:
    """The parameters an event's arguments go to: the positional ones behind the leading ones."""
    positional = []
    for parameter in signature.parameters.values():
        if parameter.kind is Parameter.KEYWORD_ONLY and parameter.default is Parameter.empty:
            raise TypeError(
                f"{owner} has the keyword-only parameter {parameter.name!r}, but arguments of an event have no names; "
                f"give it a default, or let it stand before the *"
            )
        if parameter.kind not in (Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD):
            positional.append(parameter)
    if positional and positional[-1].kind is Parameter.VAR_POSITIONAL:
        # *args takes the leading arguments too, when nothing stands before it.
        return positional[min(len(leading), len(positional) - 1) :]
    if len(positional) < len(leading):
        raise TypeError(f"{owner} must take ({', '.join(leading)}) first, but takes {len(positional)} arguments")
    return positional[len(leading) :]


def _annotated_type(owner: str, parameter: Parameter, function: Any) -> Any:
    """What the annotation of `parameter` means, once it is known that an event can be bound to it."""
    if parameter.annotation is Parameter.empty:
        return Any
    place = f"parameter {parameter.name!r} of {owner}"
    # Each annotation by itself: those of the socket and of the result need not exist at run time.
    holder = SimpleNamespace(__annotations__={"it": parameter.annotation})
    known = getattr(function, "__globals__", {})
    try:
        meant = typing.get_type_hints(holder, known, _locals_around(function), include_extras=True)["it"]
    except (NameError, AttributeError, SyntaxError, TypeError) as error:
        raise TypeError(
            f"the annotation {parameter.annotation!r} of {place} means nothing at run time: {error}; "
            f"import or define it outside TYPE_CHECKING, where the module or the function around can see it"
        ) from error
    if parameter.default is None and typing.get_origin(meant) in _UNIONS:
        # A stream that may be left out; nil never comes in its place.
        others = [kind for kind in typing.get_args(meant) if kind is not NoneType]
        if len(others) == 1 and (typing.get_origin(others[0]) in _STREAMS or others[0] in _STREAMS):
            [meant] = others
    if typing.get_origin(meant) in _STREAMS:
        if parameter.kind is Parameter.VAR_POSITIONAL:
            raise TypeError(f"{place} cannot take any number of streams; give each a parameter of its own")
        return _StreamOf(_bindable(place, typing.get_args(meant)[0]))
    if meant in _STREAMS:
        return _StreamOf(Any)
    return _bindable(place, meant)


def _bindable(place: str, meant: Any) -> Any:
    """`meant`, once it is known that msgspec can bind to it, or pydantic."""
    if meant in _UNCHECKED:
        return Any
    if has_model(meant):
        try:
            return _Model(meant, validating(meant))
        except TypeError as error:
            raise TypeError(f"{place} cannot be bound: {error}; {_REMEDY}") from error
    try:
        nodes = list(_nodes(meant))
    except (NameError, TypeError) as error:
        raise TypeError(f"{place} cannot be bound: {error}; {_REMEDY}") from error
    for node in nodes:
        if isinstance(node, CustomType):
            raise TypeError(f"{place} cannot be bound: no event carries {_type_name(node.cls)}; {_REMEDY}")
    return meant


def _locals_around(function: Any) -> dict[str, Any] | None:
    """The variables of the function that is just defining `function`: annotations written as strings may name them."""
    outer, nested, _ = getattr(function, "__qualname__", "").rpartition(".<locals>.")
    frame = sys._getframe() if nested else None
    while frame is not None:
        if frame.f_code.co_qualname == outer and frame.f_globals is function.__globals__:
            return frame.f_locals
        frame = frame.f_back
    return None


def _nodes(kind: Any) -> Iterator[Type]:
    """All that msgspec sees in a type, however deep; raises TypeError for what it cannot bind to."""
    todo: list[Any] = [type_info(kind)]
    # By identity, since a type may contain itself.
    seen = set()
    for node in todo:
        if isinstance(node, tuple):
            todo.extend(node)
        elif isinstance(node, Type | Field) and id(node) not in seen:
            seen.add(id(node))
            todo.extend(getattr(node, name) for name in node.__struct_fields__)
            if isinstance(node, Type):
                yield node


def _type_name(kind: Any) -> str:
    """A type as the user wrote it, or nearly: without the modules."""
    if kind is Any:
        return "a value"
    if isinstance(kind, _StreamOf):
        return f"a stream of {_type_name(kind.item)}"
    if isinstance(kind, _Model):
        return _type_name(kind.kind)
    name = kind.__name__ if isinstance(kind, type) and not isinstance(kind, GenericAlias) else repr(kind)
    return "None" if name == "NoneType" else re.sub(r"[\w<>]+\.(?=\w)", "", name)
