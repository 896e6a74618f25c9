"""Calls of the client that are not answered yet: which acknowledgement each of our ids stands for.

Clients of this wire number their calls per namespace, and we number them per session.
"""

from __future__ import annotations

from antiphon.errors import RemoteProtocolError

__all__ = ["Asked"]


class Asked:
    """What one client waits for: at most `most` acknowledgements."""

    __slots__ = ("_asked", "_last", "_most")

    def __init__(self, most: int) -> None:
        self._asked: dict[int, tuple[str, int]] = {}
        self._last = 0
        self._most = most

    def __len__(self) -> int:
        return len(self._asked)

    def add(self, namespace: str, id: int) -> int:
        """An event with `id` came; returns our id for it. Raises RemoteProtocolError when too many wait."""
        if len(self._asked) >= self._most:
            raise RemoteProtocolError("protocol", f"{self._most} events wait for their acknowledgement already")
        self._last += 1
        self._asked[self._last] = namespace, id
        return self._last

    def take(self, call: int) -> tuple[str, int] | None:
        """The namespace and id to acknowledge, which is done once; None when nobody waits for that any more."""
        return self._asked.pop(call, None)

    def forget(self, namespace: str) -> None:
        """The client has left: it does not wait for anything there."""
        self._asked = {call: asked for call, asked in self._asked.items() if asked[0] != namespace}
