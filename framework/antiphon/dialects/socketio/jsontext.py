"""JSON as browsers write it: half a surrogate pair, as a cut text ends with, is read as U+FFFD.

JSON.stringify spells it as an escape, which is JSON (RFC 8259, 8.2) but no Unicode, so msgspec refuses it. Our own
clients refuse to send it; these do not, and would not know what they are cut off for. U+FFFD is what browsers encode
it to in UTF-8.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

__all__ = ["read_json"]

# More of them than a text can be cut at are no accident. Each costs a call: a megabyte of them would take 0.2 s.
MOST = 100
# All that is whole, escapes too, so that none is looked for in the middle of another; and half a pair, or the end. The
# first part never gives back what it has taken: for a megabyte of escapes this takes 25 ms, a call for each 220.
_HALF = re.compile(
    r"((?:[^\\]|\\[^u]|\\u(?![dD][89a-fA-F])|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+)"
    r"(\\u[dD][89a-fA-F][0-9a-fA-F]{2})?"
)


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises msgspec.DecodeError, ValueError or RecursionError for what is none."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        # Looked for only here: hardly any message has one.
        if not 0 < text.count("\\ud") + text.count("\\uD") <= MOST:
            raise
        return msgspec.json.decode(_HALF.sub(lambda found: found[1] + ("\\ufffd" if found[2] else ""), text))
