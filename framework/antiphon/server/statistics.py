"""What a server can say of itself: counted anew at each call, but for what can only be counted on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from antiphon.server.line import Line

__all__ = ["Counters", "ServerStatistics", "count"]


class Counters:
    """What happened since the start and is seen nowhere afterwards."""

    __slots__ = ("duplicates", "gaps", "misfits", "sessions_ended", "sessions_made", "unhandled")

    def __init__(self) -> None:
        self.sessions_made = 0
        self.sessions_ended = 0
        self.unhandled = 0
        self.misfits = 0
        self.duplicates = 0
        self.gaps = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerStatistics:
    """One moment of one server.

    `sessions`: alive, attached or not. `transports`: attached ones by transport. `sockets`: by namespace. `rooms`: of
    all namespaces. Since the start: `sessions_made`, `sessions_ended`; `unhandled` events nobody had a handler for;
    `misfits` whose payload did not fit; `duplicates` dropped, `gaps` found.
    """

    sessions: int
    transports: Mapping[str, int]
    sockets: Mapping[str, int]
    rooms: int
    sessions_made: int
    sessions_ended: int
    unhandled: int
    misfits: int
    duplicates: int
    gaps: int


def count(lines: list[Line], sockets: Mapping[str, int], rooms: int, counters: Counters) -> ServerStatistics:
    """Count what lives now, and add what was counted on the way."""
    return ServerStatistics(
        sessions=len(lines),
        transports=Counter(line.transport.name for line in lines if line.transport is not None),
        sockets=sockets,
        rooms=rooms,
        sessions_made=counters.sessions_made,
        sessions_ended=counters.sessions_ended,
        unhandled=counters.unhandled,
        misfits=counters.misfits,
        duplicates=counters.duplicates + sum(line.session.inbox.duplicates for line in lines),
        gaps=counters.gaps + sum(line.session.gaps for line in lines),
    )
