"""What may travel: the values of the wire, told from everything else in one walk."""

from __future__ import annotations

import sys
from itertools import pairwise
from types import NoneType
from typing import Any, NamedTuple

from antiphon.errors import PayloadError
from antiphon.protocol.packets import MAX_NUMBER

__all__ = ["Stray", "stray"]

# Values of these types are on the wire whatever they hold.
_ALWAYS = frozenset({NoneType, bool, bytes})

# Told by name, so that a mistake costs no import of a module that nobody uses.
_REMEDIES = {
    "date": "a number or a string",
    "datetime": "a number or a string",
    "time": "a number or a string",
    "timedelta": "a number or a string",
    "Decimal": "a number or a string",
    "UUID": "a string or bytes",
    "set": "a list",
    "frozenset": "a list",
    "tuple": "a list",
    "generator": "a list",
    "coroutine": "what it returns (await it first)",
}


class Stray(NamedTuple):
    """The first thing found that may not travel: `item`, inside `boxes` (outermost first), with the reason.

    `limit` is the one of Limits that it breaks, if it is that.
    """

    boxes: list[Any]
    item: Any
    problem: str
    remedy: str
    limit: str | None = None

    def error(self, where: str) -> PayloadError:
        """The error to raise; `where` is what the user calls the value that was walked."""
        steps = [_step(box, item) for box, item in pairwise([*self.boxes, self.item])]
        path = where + "".join(steps)
        return PayloadError(f"{path}: {self.problem}; send {self.remedy}", parameter=path, expected=self.remedy)


def stray(value: Any, depth: int, keys: int = sys.maxsize, values: int = sys.maxsize) -> Stray | None:
    """Find the first thing in `value` that may not travel; None when all of it may.

    A container counts as one level of `depth`, so a cycle ends as one that is too deep. `values` bounds the members of
    all containers inside of the outermost together.
    """
    # This walk is on the path of every event, both ways: 1.4 us for ["hello", {"x": 1.5, "y": 2, "name": "Ann"}].
    # Hence no call per leaf, and no paths: they are found from the containers once there is something to name.
    boxes: list[Any] = []
    waiting: list[Any] = []
    items = iter((value,))
    try:
        while True:
            for item in items:
                kind = type(item)
                if kind is str:
                    # isascii() reads one bit; only other strings pay for the encoding, which refuses surrogates.
                    if not item.isascii():
                        item.encode()
                elif kind is float:
                    if item - item != 0.0:
                        return Stray(boxes, item, f"{item} is not a wire value", "None or a string")
                elif kind is int:
                    if not -MAX_NUMBER <= item <= MAX_NUMBER:
                        return Stray(boxes, item, "an integer beyond ±(2**53 - 1) is not a wire value", "a string")
                elif kind is dict or kind is list:
                    if len(boxes) >= depth:
                        return Stray(boxes, item, f"nested deeper than {depth} levels", "something flatter", "depth")
                    if boxes:
                        # A megabyte of the smallest values would be walked for a quarter of a second.
                        values -= len(item)
                        if values < 0:
                            return Stray(boxes, item, "too many values in one packet", "less, or bytes", "values")
                    if kind is dict:
                        if len(item) > keys:
                            problem = f"a map of {len(item)} keys where {keys} are the limit"
                            return Stray(boxes, item, problem, "less", "keys")
                        for key in item:
                            if type(key) is not str:
                                problem = f"{type(key).__name__} is not a wire value for the key of a map"
                                return Stray(boxes, item, problem, "a string")
                            if not key.isascii():
                                key.encode()
                    waiting.append(items)
                    boxes.append(item)
                    items = iter(item.values() if kind is dict else item)
                    break
                elif kind not in _ALWAYS:
                    remedy = _REMEDIES.get(kind.__name__, "a builtin, a dataclass or a Struct")
                    return Stray(boxes, item, f"{kind.__name__} is not a wire value", remedy)
            else:
                if not waiting:
                    return None
                items = waiting.pop()
                boxes.pop()
    except UnicodeEncodeError:
        return Stray(boxes, item, "a lone surrogate is not a wire value", "valid Unicode, or bytes")


def _step(box: Any, item: Any) -> str:
    """How `item` is reached from the container around it."""
    if type(box) is list:
        return next(f"[{index}]" for index, other in enumerate(box) if other is item)
    # Keys are the peer's: a long one is cut, since the message may be logged.
    return next(f"[{key[:40]!r}]" for key, other in box.items() if other is item)
