"""Which forms the living sessions speak: an event is spelled in each of them before anybody is sent it."""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.protocol.codec import Codec

__all__ = ["Forms"]


class Forms:
    """A count per form, and for each one codec to spell with: events do not depend on whose it is."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._codecs: dict[str, Codec] = {}

    def __iter__(self) -> Iterator[Codec]:
        return iter(self._codecs.values())

    def enter(self, codec: Codec) -> None:
        """A session begins."""
        form = codec.form
        self._counts[form] = self._counts.get(form, 0) + 1
        self._codecs.setdefault(form, codec)

    def leave(self, codec: Codec) -> None:
        """A session has ended."""
        form = codec.form
        self._counts[form] -= 1
        if not self._counts[form]:
            del self._counts[form], self._codecs[form]
