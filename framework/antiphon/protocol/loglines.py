"""What somebody else wrote, as a part of one line of a log."""

from __future__ import annotations

__all__ = ["one_line"]


def one_line(text: object, most: int = 256) -> str:
    """Its first `most` characters, with whatever could begin a line or speak to a terminal escaped.

    For every text that a peer, its proxy or an exception brings; names that are written with `%r` are escaped by that.
    """
    line = str(text)
    if len(line) > most:
        line = line[:most] + "..."
    if line.isprintable():
        return line
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode("ascii") for char in line
    )
