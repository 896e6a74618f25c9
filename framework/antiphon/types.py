"""Aliases that several layers share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

# One message as a transport carries it: bytes in msgpack form, str in JSON form.
Data: TypeAlias = bytes | str

# A value of the wire: None, bool, int within +-(2**53 - 1), finite float, str, bytes, list, dict with str keys.
Value: TypeAlias = Any

# No headers, no query: one for all who say none, since a session keeps what was said with its newest attach.
NOTHING: Mapping[str, str] = MappingProxyType({})
