"""What a Python value becomes on the wire: builtins as they are, records by their fields, anything else an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple

from antiphon.dispatch.models import dumping
from antiphon.protocol.values import stray
from antiphon.types import Value

__all__ = ["reply_of", "to_wire"]

_LEAVES = frozenset({type(None), bool, int, float, str, bytes})
_REQUIRED = object()


def to_wire(value: Any, where: str, *, depth: int = 32) -> Value:
    """Return `value` as the wire can carry it: `value` itself when it can, else a converted copy.

    Tuples become lists, bytearrays and memoryviews bytes, enums their values, dataclasses and Structs maps (a Struct
    as its options say: renamed, tagged, array-like), pydantic models what they dump, and subclasses of builtins
    (OrderedDict) those builtins.
    Raises PayloadError for anything else; its path begins with `where`, for instance "args".
    """
    if stray(value, depth) is None:
        return value
    # Converted first and judged afterwards, so there is one place that says what may travel.
    converted = _converted(value)
    found = stray(converted, depth)
    if found is not None:
        raise found.error(where)
    return converted


def reply_of(value: Any, where: str) -> Value:
    """As `to_wire`; but a tuple stays one, for wires on which an answer has several values."""
    carried = to_wire(value, where)
    return tuple(carried) if type(value) is tuple else carried


def _converted(value: Any) -> Any:
    """A copy of `value` with all in its wire form that has one; the rest is left for the walk to find."""
    root = [value]
    todo: list[Any] = [root]
    # By identity, so that a value that holds itself gives a copy that does too, instead of no end. The originals are
    # kept beside: an id may be used again once its object is gone.
    copies: dict[int, tuple[Any, Any]] = {}
    for box in todo:
        for key, item in box.items() if type(box) is dict else enumerate(box):
            if type(item) in _LEAVES:
                continue
            known = copies.get(id(item))
            if known is None:
                known = copies[id(item)] = item, _wire_form(item)
                if type(known[1]) is list or type(known[1]) is dict:
                    todo.append(known[1])
            box[key] = known[1]
    return root[0]


# A class is looked at once: [{"x": 1, "y": 2}] from a Struct takes 6 us, and took 12 without. msgspec.to_builtins takes
# 0.2 us, but makes lists of sets and raises without a path; a record is to be refused for what a dict is refused for.
@lru_cache(maxsize=1024)
def _form(kind: type) -> Callable[[Any], Any]:
    """How an instance of `kind` is converted, one level deep: to a new list or dict around what it holds, or to a leaf.

    What has no form on the wire stays as it is.
    """
    # UNSET is an enum, but it says that there is no value.
    if issubclass(kind, Enum) and kind is not UnsetType:
        return lambda item: _wire_form(item.value)
    if issubclass(kind, list | tuple):
        return list
    if issubclass(kind, dict):
        return _with_plain_keys
    if issubclass(kind, bytes | bytearray | memoryview):
        return bytes
    if issubclass(kind, Struct):
        return _struct_form(kind)
    if (dump := dumping(kind)) is not None:
        return dump
    if is_dataclass(kind):
        return _dataclass_form(kind)
    # These give the builtin itself for an instance of a subclass, whatever that makes of str(), int() and float().
    for builtin, plain in ((str, str.__str__), (int, int.__int__), (float, float.__float__)):
        if issubclass(kind, builtin) and kind is not bool:
            return plain
    return _as_it_is


def _wire_form(item: Any) -> Any:
    return _form(type(item))(item)  # type: ignore[arg-type]  # mypy holds the __hash__ of instances against the class


def _as_it_is(item: Any) -> Any:
    return item


def _with_plain_keys(item: dict[Any, Any]) -> dict[Any, Any]:
    # Subclasses of str, string enums among them, may be keys; others are left to be refused.
    return {str.__str__(key) if isinstance(key, str) else key: held for key, held in item.items()}


def _dataclass_form(kind: type) -> Callable[[Any], Any]:
    getters = [(field.name, attrgetter(field.name)) for field in fields(kind)]

    def form(record: Any) -> dict[str, Any]:
        values = [(name, get(record)) for name, get in getters]
        return {name: held for name, held in values if held is not UNSET}

    return form


def _struct_form(kind: type[Struct]) -> Callable[[Any], Any]:
    """As msgspec writes it: renamed, tagged, an array or a map, without UNSET and the defaults it may omit."""
    config = kind.__struct_config__
    names = kind.__struct_encode_fields__
    # Defaults belong to the last fields; required ones come before them.
    defaults = (_REQUIRED,) * (len(names) - len(kind.__struct_defaults__)) + kind.__struct_defaults__

    def array(struct: Struct) -> list[Any]:
        return [*astuple(struct)] if config.tag is None else [config.tag, *astuple(struct)]

    def whole(struct: Struct) -> dict[str, Any]:
        return {name: held for name, held in zip(names, astuple(struct), strict=True) if held is not UNSET}

    def lean(struct: Struct) -> dict[str, Any]:
        values = zip(names, astuple(struct), defaults, strict=True)
        return {name: held for name, held, default in values if held is not UNSET and not _is_default(held, default)}

    def tagged(struct: Struct) -> dict[str, Any]:
        return {str(config.tag_field): config.tag, **untagged(struct)}

    untagged = lean if config.omit_defaults else whole
    if config.array_like:
        return array
    return untagged if config.tag is None else tagged


def _is_default(held: Any, default: Any) -> bool:
    """Whether msgspec leaves the field out: the very default, or an empty container where the default is one."""
    return held is default or (getattr(default, "factory", None) is type(held) and not held)
