"""What is said to a socket before it is let in, on wires whose clients hear nothing in a namespace until they are.

Clients of our own take in what a connect handler says before it has decided, and even answer it. Those of Socket.IO
drop it, or keep it until they are let in, so they are told afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from antiphon.protocol.codec import Codec, Prepared
from antiphon.protocol.outbox import Entry, Outbox

__all__ = ["Anteroom"]


class Anteroom:
    """In the place of a socket's outbox, with as much of it as is used of that of a socket."""

    __slots__ = ("_outbox", "_size", "_waiting", "form")

    def __init__(self, outbox: Outbox) -> None:
        self.form = outbox.form
        self._outbox = outbox
        self._waiting: list[Callable[[], object]] = []
        self._size = 0

    @property
    def codec(self) -> Codec:
        """See Outbox."""
        return self._outbox.codec

    def above(self, share: float) -> bool:
        """See Outbox.above."""
        return self._outbox.above(share)

    def put(self, prepared: Prepared) -> None:
        """See Outbox.put."""
        encoded = prepared.forms.get(self.form) or prepared.encode(self.codec)
        self._keep(partial(self._outbox.put, prepared), len(encoded))

    def add(self, entry: Entry) -> None:
        """See Outbox.add."""
        self._keep(partial(self._outbox.add, entry), len(entry.encoded))

    def add_volatile(self, encoded: bytes, now: float) -> bool:
        """See Outbox.add_volatile: nobody is there to hear it now."""
        self._outbox.unheard += 1
        return False

    def open(self) -> Outbox:
        """The client was told that it is let in: what waits goes behind that."""
        for put in self._waiting:
            put()
        self._waiting.clear()
        return self._outbox

    def _keep(self, put: Callable[[], object], size: int) -> None:
        bounds = self._outbox.bounds
        self._size += size
        if len(self._waiting) >= bounds.packets or self._size > bounds.size:
            self._outbox.overflowed = True
            self._outbox.mark()
        else:
            self._waiting.append(put)
