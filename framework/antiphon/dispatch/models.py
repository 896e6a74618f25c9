"""pydantic models as payloads, for an application that has pydantic: it is never imported here, only found."""

from __future__ import annotations

import sys
import typing
from collections.abc import Callable
from types import GenericAlias
from typing import Any

from antiphon.errors import PayloadError

__all__ = ["Validate", "dumping", "has_model", "validating"]

# Validates what stands in one place, and raises PayloadError made of a problem and a path within that place.
Misfit = Callable[[str, str], PayloadError]
Validate = Callable[[Any, Misfit], Any]


def has_model(kind: Any) -> bool:
    """Whether a type is a pydantic model, or names one within: `list[Model]`, `dict[str, Model]`, `Model | None`."""
    if "pydantic" not in sys.modules:
        return False  # then nobody can have made a model
    if isinstance(kind, type) and not isinstance(kind, GenericAlias):
        return hasattr(kind, "__pydantic_validator__")
    return any(has_model(argument) for argument in typing.get_args(kind))


def validating(kind: Any) -> Validate:
    """What turns a value of the wire into `kind`, as its models say: lax or strict, with aliases and validators.

    Raises TypeError for a type that pydantic cannot validate.
    """
    pydantic = sys.modules["pydantic"]
    try:
        adapter = pydantic.TypeAdapter(kind)
    except (pydantic.errors.PydanticUserError, NameError, TypeError) as error:
        raise TypeError(f"pydantic says: {str(error).splitlines()[0]}") from error

    def validate(value: Any, misfit: Misfit) -> Any:
        try:
            return adapter.validate_python(value)
        except pydantic.ValidationError as error:
            # The input is the peer's, and may be long; the context may hold anything.
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            raise misfit(first["msg"], _path(first["loc"], value)) from error

    return validate


def dumping(kind: type) -> Callable[[Any], Any] | None:
    """What turns an instance of a model into values of the wire, by alias; None if `kind` is no model.

    Bytes stay bytes. What else JSON has no word for is written as pydantic writes it there: a time as a string.
    """
    if not has_model(kind):
        return None
    adapter = sys.modules["pydantic"].TypeAdapter(kind)

    def dump(model: Any) -> Any:
        try:
            return _plain(adapter.dump_python(model, by_alias=True))
        except ValueError as error:
            name = kind.__name__
            raise PayloadError(f"a {name} cannot travel: {error}", parameter=name, expected="a wire value") from error

    return dump


def _plain(held: Any) -> Any:
    """What `held`, dumped by pydantic, is on the wire."""
    if held is None or isinstance(held, str | int | float | bytes | bytearray | memoryview):
        return held
    if isinstance(held, dict):
        return {_key(key): _plain(item) for key, item in held.items()}
    if isinstance(held, list | tuple | set | frozenset):
        return [_plain(item) for item in held]
    return sys.modules["pydantic_core"].to_jsonable_python(held)


def _key(key: Any) -> str:
    if type(key) is str:
        return key
    [plain] = sys.modules["pydantic_core"].to_jsonable_python({key: None})
    return str(plain)


def _path(location: tuple[int | str, ...], value: Any) -> str:
    """The place of an error as Python would write it; pydantic also names the members of unions, which are no places.

    What is missing is named as well, though it is not there: as the last step.
    """
    path = ""
    for left, step in zip(range(len(location), 0, -1), location, strict=True):
        if isinstance(value, dict) and isinstance(step, str):
            if step not in value and left > 1:
                continue
            path += f".{step}" if step.isidentifier() else f"[{step[:40]!r}]"
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            path += f"[{step}]"
            value = value[step]
    return path
