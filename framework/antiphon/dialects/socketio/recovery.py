"""What one session was sent, so that a client which comes back is sent again what it missed.

On this wire the client acknowledges nothing. Instead each event carries an offset as its last argument, and the client
repeats the last one it has seen.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from antiphon.config import Outbox as Bounds

__all__ = ["Offsets", "Place", "Recovery", "Sent"]


class Sent(bytes):
    """Frames that know where they belong. With an `offset` they are kept, and may be sent again.

    `volatile`: they are not even held back for somebody who is about to come back; `repeats` is the offset that they
    are spelled with. `stay`: of an answer to a CONNECT, the number of that.
    """

    namespace: str
    offset: int | None = None
    volatile: bool = False
    stay: int = 0
    repeats: int = 0

    @classmethod
    def of(cls, frames: bytes, namespace: str, offset: int | None = None, *, volatile: bool = False) -> Sent:
        """`frames`, with that knowledge."""
        sent = cls(frames)
        sent.namespace = namespace
        if offset is not None:
            sent.offset = offset
        if volatile:
            sent.volatile = volatile
        return sent


class Offsets:
    """One counter for all sessions of a server, since the bytes of a broadcast are the same for all.

    `epoch` tells its offsets from those of the server's last start, which clients may still have.
    """

    __slots__ = ("_epoch", "last")

    def __init__(self, epoch: str) -> None:
        self._epoch = f"{epoch}."
        self.last = 0

    def spelled(self, offset: int) -> str:
        """As the client gets it."""
        return f"{self._epoch}{offset}"

    def read(self, spelled: str | None) -> int | None:
        """The offset that a client repeats. None: it has none of this start of the server, or it is none of ours."""
        if spelled is None or not spelled.startswith(self._epoch):
            return None
        digits = spelled[len(self._epoch) :]
        return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 16 else None


class Place(NamedTuple):
    """Where a client wants to go on: `offset` is the last that it has seen in `namespace`, None if it saw none.

    `stay`: which of its stays there it means, in digits. What it saw in an earlier one is no place in a later one.
    """

    namespace: str
    offset: str | None
    stay: str = ""


class Recovery:
    """The recovery of one session: what was sent, and what is held back until its client asks again for a namespace.

    Both within `bounds`; what is oldest is given up first.
    """

    __slots__ = (
        "_bounds",
        "_ended",
        "_given_up",
        "_gone",
        "_held",
        "_held_size",
        "_marked",
        "_newest",
        "_offsets",
        "_open",
        "_sent",
        "_size",
    )

    def __init__(self, bounds: Bounds, offsets: Offsets) -> None:
        self._bounds = bounds
        self._offsets = offsets
        self._sent: deque[Sent] = deque()
        self._size = 0
        self._gone = 0  # how many were given up
        self._marked = 0  # and how many there were with those when the last Ping left
        self._given_up: dict[str, int] = {}  # by namespace, the newest offset that is not kept any more
        self._held: dict[str, list[Sent]] = {}
        self._held_size = 0
        self._open: set[str] | None = None  # since a cut: where the client is again
        self._ended = 0  # the newest stay that there was at the last cut
        self._newest: dict[str, int] = {}  # by namespace, the last offset that left

    # -- what was sent

    def keep(self, sent: Sent) -> None:
        """It leaves now."""
        bounds = self._bounds
        assert sent.offset is not None
        self._newest[sent.namespace] = sent.offset
        self._sent.append(sent)
        self._size += len(sent)
        while self._size > bounds.size or len(self._sent) > bounds.packets:
            self._give_up()

    def mark(self) -> None:
        """A Ping leaves behind what was sent up to here."""
        self._marked = self._gone + len(self._sent)

    def arrived(self) -> None:
        """It was answered, so the client has what was sent before it: that is not to be sent again."""
        marked, self._marked = self._marked, 0
        while self._gone < marked and self._sent:
            self._give_up()

    def shut(self, asked: int) -> None:
        """A cut, behind so many CONNECTs: what waits was said to where the client is not, until it is there again."""
        self._open, self._ended = set(), asked

    def stray(self, sent: Sent, stay: int) -> bool:
        """It was said to a stay that a cut has ended; `stay` is that of now, 0 for none."""
        if self._open is None or sent.namespace in self._open:
            return False
        if sent.stay <= self._ended or sent.stay < stay:
            return True
        self._open.add(sent.namespace)
        return False

    def late(self, sent: Sent) -> bool:
        """A volatile event leaves behind newer ones; its client would be sent those again."""
        return sent.volatile and sent.repeats < self._newest.get(sent.namespace, 0)

    def missed(self, place: Place) -> list[Sent] | None:
        """What was sent behind a place; None when not all of that is kept, or the place is behind all there is."""
        namespace, offset = place.namespace, self._offsets.read(place.offset)
        given_up = self._given_up.get(namespace)
        if offset is None:
            # No event of this session reached it, or it would have another offset.
            offset = 0
        if offset > self._offsets.last or (given_up is not None and offset < given_up):
            return None
        return [sent for sent in self._sent if sent.namespace == namespace and (sent.offset or 0) > offset]

    def forget(self, namespace: str) -> None:
        """The client is in there anew, or not any more: nothing from before is its."""
        self._given_up.pop(namespace, None)
        self._marked = 0
        self._sent = deque(sent for sent in self._sent if sent.namespace != namespace)
        self._size = sum(map(len, self._sent))
        self._held_size -= sum(map(len, self._held.pop(namespace, ())))

    def _give_up(self) -> None:
        oldest = self._sent.popleft()
        self._gone += 1
        self._size -= len(oldest)
        assert oldest.offset is not None
        self._given_up[oldest.namespace] = oldest.offset

    # -- what is held back

    def hold_back(self, namespaces: list[str]) -> None:
        """Nothing leaves for these until `take_back`, or `forget`. An answer to an older Ping says nothing any more."""
        self._marked = 0
        for namespace in namespaces:
            self._held.setdefault(namespace, [])

    def held(self, sent: Sent) -> bool:
        """Whether it is held back; if not, it leaves now."""
        held = self._held.get(sent.namespace)
        if held is None:
            return False
        if not sent.volatile:
            held.append(sent)
            self._held_size += len(sent)
            bounds = self._bounds
            if self._held_size > bounds.size or sum(map(len, self._held.values())) > bounds.packets:
                self._give_up_held()
        return True

    def _give_up_held(self) -> None:
        """Too much waits for a client that does not ask: it may still come, but not go on where it was."""
        for namespace, held in self._held.items():
            if held:
                # Above all offsets there are: not everything that waited had one.
                self._given_up[namespace] = self._offsets.last + 1
            held.clear()
        self._held_size = 0

    def take_back(self, namespace: str) -> list[Sent]:
        """What was held back for a namespace, in its order; from now on nothing is."""
        held = self._held.pop(namespace, [])
        self._held_size -= sum(map(len, held))
        if self._open is not None:
            self._open.add(namespace)
        return held
