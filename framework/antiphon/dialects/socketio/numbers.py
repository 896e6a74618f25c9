"""The numbers of JavaScript, which are all floats: those beyond its exact integers are spelled like integers too."""

from __future__ import annotations

from typing import Any

from antiphon.protocol.packets import MAX_NUMBER

__all__ = ["doubles"]


def doubles(value: Any, depth: int) -> Any:
    """`value` with a float for each integer beyond ±(2**53 - 1) that is one, as deep as it may nest."""
    kind = type(value)
    if kind is int and not -MAX_NUMBER <= value <= MAX_NUMBER:
        try:
            return float(value)
        except OverflowError:
            return value  # no number of JavaScript's
    if depth and kind is list:
        return [doubles(item, depth - 1) for item in value]
    if depth and kind is dict:
        return {key: doubles(item, depth - 1) for key, item in value.items()}
    return value
