"""Where the extensions in a msgpack message begin, and how each is spelled: what a decoder does not tell.

The JavaScript encoder of this wire uses extension type 0 three times: `d4 00 00` is undefined, `d7 00` and eight bytes
is a Date, and any other length, written out, is a Uint8Array. So one byte, or eight, may be either.
"""

from __future__ import annotations

__all__ = ["spellings"]

# What follows a first byte: bytes of a length, and bytes that are there anyway.
_FIXED = {
    **dict.fromkeys((0xCA, 0xCE, 0xD2), 4),
    **dict.fromkeys((0xCB, 0xCF, 0xD3), 8),
    **dict.fromkeys((0xCC, 0xD0), 1),
    **dict.fromkeys((0xCD, 0xD1), 2),
}
_LENGTHS = {
    **dict.fromkeys((0xC4, 0xC7, 0xD9), 1),
    **dict.fromkeys((0xC5, 0xC8, 0xDA), 2),
    **dict.fromkeys((0xC6, 0xC9, 0xDB), 4),
    **dict.fromkeys((0xDC, 0xDE), 2),
    **dict.fromkeys((0xDD, 0xDF), 4),
}
_EXTENSIONS = range(0xC7, 0xCA)
_SHORT_EXTENSIONS = range(0xD4, 0xD9)
_BOXES = range(0xDC, 0xE0)


def spellings(message: bytes) -> list[int]:
    """The first byte of each extension of type 0, in order. `message` was decoded, so nothing in it is wrong."""
    found: list[int] = []
    at = 0
    while at < len(message):
        first = message[at]
        at += 1
        if 0xA0 <= first < 0xC0:
            at += first & 0x1F
        elif first in _FIXED:
            at += _FIXED[first]
        elif first in _LENGTHS:
            width = _LENGTHS[first]
            # What is in an array or a map follows by itself.
            size = 0 if first in _BOXES else int.from_bytes(message[at : at + width], "big")
            if first in _EXTENSIONS:
                if not message[at + width]:
                    found.append(first)
                size += 1
            at += width + size
        elif first in _SHORT_EXTENSIONS:
            if not message[at]:
                found.append(first)
            at += 1 + (1 << first - 0xD4)
    return found
