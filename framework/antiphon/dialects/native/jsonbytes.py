"""Bytes in JSON: `{"$bytes": "<base64>"}`; any other key that begins with `$` gets one more `$` in front of it.

Every such key, not the first one only: JavaScript puts keys that look like integers first, so "first" means
something else there.
"""

from __future__ import annotations

from base64 import b64encode
from binascii import a2b_base64
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
        return {f"${key}" if key.startswith("$") else key: wrap(item) for key, item in value.items()}
    return value


def unwrap(value: Any) -> Any:
    """The reverse of `wrap`. Raises ValueError for a `$` that means nothing."""
    if isinstance(value, list):
        return [unwrap(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$bytes" in value:
        return _bytes(value)
    return {_key(key): unwrap(item) for key, item in value.items()}


def _bytes(value: dict[str, Any]) -> bytes:
    encoded = value["$bytes"]
    if len(value) != 1 or not isinstance(encoded, str):
        raise ValueError('bytes are {"$bytes": "<base64>"} and nothing else; a key that begins with "$" has "$$"')
    try:
        return a2b_base64(encoded, strict_mode=True)
    except ValueError as error:
        raise ValueError(f"$bytes is not base64: {error}") from None


def _key(key: str) -> str:
    if not key.startswith("$"):
        return key
    if not key.startswith("$$"):
        raise ValueError(f'a key that begins with "$" has one more "$" in front of it; got {key[:64]!r}')
    return key[1:]
