"""Bytes in JSON: `{"$bytes": "<base64>"}`; a map whose first key begins with `$` gets one more `$` in front of it."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Any

__all__ = ["unwrap", "wrap"]


def wrap(value: Any) -> Any:
    """Spell every bytes in `value` for JSON. What holds none and no `$` key is returned as it is, not copied."""
    if isinstance(value, bytes):
        return {"$bytes": b64encode(value).decode()}
    if isinstance(value, list | tuple):
        wrapped = [wrap(item) for item in value]
        return wrapped if any(a is not b for a, b in zip(wrapped, value, strict=True)) else value
    if isinstance(value, dict):
        pairs = {key: wrap(item) for key, item in value.items()}
        first = next(iter(pairs), "")
        if first.startswith("$"):
            return {f"${key}" if key == first else key: item for key, item in pairs.items()}
        return pairs
    return value


def unwrap(value: Any) -> Any:
    """The reverse of `wrap`. Raises ValueError for a `$` that means nothing."""
    if isinstance(value, list):
        return [unwrap(item) for item in value]
    if not isinstance(value, dict) or not value:
        return value
    first = next(iter(value))
    if not first.startswith("$"):
        return {key: unwrap(item) for key, item in value.items()}
    if first.startswith("$$"):
        return {key[1:] if key == first else key: unwrap(item) for key, item in value.items()}
    encoded = value[first]
    if first != "$bytes" or len(value) != 1 or not isinstance(encoded, str):
        raise ValueError(f'a map that begins with "$" is {{"$bytes": "<base64>"}}, or its first key has "$$"; got {first!r}')
    try:
        return b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError(f"$bytes is not base64: {error}") from None
