"""What somebody types as a name, made fit to be shown."""

from __future__ import annotations

import unicodedata

__all__ = ["LONGEST_NAME", "tidy"]

LONGEST_NAME = 24


def tidy(name: str) -> str | None:
    """A name as it is shown, None when it is none: empty, too long, or not to be read."""
    # NFKC, because names that look the same should be the same.
    name = " ".join(unicodedata.normalize("NFKC", name).split())
    return name if 1 <= len(name) <= LONGEST_NAME and name.isprintable() else None
