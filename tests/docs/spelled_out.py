"""Whether code in the text of a page could be run: the names in it exist, and take what they are given."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from typing import Any

__all__ = ["Instance", "check"]


class Instance:
    """What an expression gives, as far as that is known: something of this class; None is anything."""

    def __init__(self, kind: type | None) -> None:
        self.kind = kind


ANYTHING = Instance(None)


def check(code: str, names: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
    """Raise AssertionError for a name that does not exist, or arguments that do not fit.

    `names`: what the names at its beginning stand for, an Instance or a value. `kinds`: classes that signatures say
    they return. An argument `...` is for whatever belongs there.
    """
    _Checker(code, names, kinds).given(ast.parse(code.removeprefix("@"), mode="eval").body)


class _Checker:
    def __init__(self, code: str, names: Mapping[str, Any], kinds: Mapping[str, type]) -> None:
        self._code = code
        self._names = names
        self._kinds = kinds

    def given(self, node: ast.expr) -> Any:
        """What an expression gives: an Instance, or the very value."""
        match node:
            case ast.Name(id):
                assert id in self._names, f"{self._code!r}: nobody knows {id!r}"
                return self._names[id]
            case ast.Attribute(value, attribute):
                return self._member(self.given(value), attribute)
            case ast.Call(func, args, keywords):
                return self._call(self.given(func), args, keywords)
        return ANYTHING

    def _member(self, owner: Any, name: str) -> Any:
        if not isinstance(owner, Instance):
            assert hasattr(owner, name), f"{self._code!r}: {owner!r} has no {name!r}"
            return getattr(owner, name)
        kind = owner.kind
        if kind is None:
            return ANYTHING
        if not hasattr(kind, name):
            # It may be given to each instance where it is made.
            assert name in kind.__init__.__code__.co_names, f"{self._code!r}: {kind.__name__} has no {name!r}"  # type: ignore[misc]  # of this very class
            return ANYTHING
        member = inspect.getattr_static(kind, name)
        if isinstance(member, property):
            return self._returned(member.fget)
        return member if inspect.isfunction(member) else ANYTHING

    def _call(self, function: Any, args: list[ast.expr], keywords: list[ast.keyword]) -> Instance:
        for argument in (*args, *(keyword.value for keyword in keywords)):
            if isinstance(argument, ast.Call):
                self.given(argument)
        if isinstance(function, Instance):
            assert function.kind is None, f"{self._code!r}: {function.kind} is called"
            return ANYTHING
        # A method stands in its class, and is given an instance first.
        owned = inspect.isfunction(function) and "." in function.__qualname__
        if not any(isinstance(argument, ast.Constant) and argument.value is ... for argument in args):
            given = {keyword.arg: keyword.value for keyword in keywords if keyword.arg is not None}
            try:
                inspect.signature(function).bind(*([None] if owned else []), *args, **given)
            except TypeError as error:
                raise AssertionError(f"{self._code!r}: {error}") from error
        return Instance(function) if isinstance(function, type) else self._returned(function)

    def _returned(self, function: Any) -> Instance:
        return Instance(self._kinds.get(inspect.signature(function).return_annotation))
