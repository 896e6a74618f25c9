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

# Any escape, so that none is looked for in the middle of another; the group is half a pair.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL
)


def read_json(text: str) -> Any:
    """The value of a JSON text. Raises msgspec.DecodeError, ValueError or RecursionError for what is none."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        # Looked for only here: hardly any message has one.
        mended = _ESCAPE.sub(lambda escape: "\\ufffd" if escape[1] else escape[0], text)
        if mended == text:
            raise
        return msgspec.json.decode(mended)
