"""How a server and its parts stand, as frozen records: counted when somebody asks, but for what only happens once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from antiphon.protocol.statistics import Amount, SessionStatistics, befallen, describe, total
from antiphon.server.counters import Counters
from antiphon.server.line import Line

if TYPE_CHECKING:
    from antiphon.server.connection import Connection
    from antiphon.server.socket import Socket

__all__ = [
    "LimitsHit",
    "NamespaceStatistics",
    "RoomStatistics",
    "ServerStatistics",
    "of_namespace",
    "of_room",
    "of_server",
    "of_session",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class LimitsHit:
    """How often each bound was met since the start, and what became of who met it.

    Those of `Limits` by their names; docs/operations.md tells what happens at each. `inbox` counts the sessions that
    ended since more came than a client may send unacked (`flood`), `rate` how often one was held back, `messages` how
    often a WebSocket was, and `concurrent` how often a handler had to wait for its turn, or could not read in a loop.

    Of the other settings: `outbox`, sessions that ended since more waited than may (`overflow`).

    Of those that are fixed: `slow`, transports closed since the outbox stayed nearly full for 5 s; `packet`, what the
    application wanted to send and was larger than one packet may be; `pings` not answered, more than 16 at a time;
    `wrong_keys`, requests refused since too many wrong ones came from their address; `check_time`, runs of the
    authentication hook that took longer than 5 s; `origins`, requests of pages that may not connect; `tombstones`,
    ended sessions forgotten early, so that their clients learn less of why.
    """

    message: int
    hello: int
    fragments: int
    depth: int
    keys: int
    values: int
    name: int
    inbox: int
    rate: int
    messages: int
    streaming: int
    concurrent: int
    namespaces: int
    rooms: int
    body_timeout: int
    hello_timeout: int
    connections: int
    connections_per_address: int
    connections_per_principal: int
    detached: int
    detached_per_principal: int
    attaches: int
    authenticating: int
    outbox: int
    slow: int
    packet: int
    pings: int
    wrong_keys: int
    check_time: int
    origins: int
    tombstones: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ServerStatistics:
    """One moment of one server.

    Now: `sessions` alive, attached or not; `transports`, the attached ones by transport; `sockets` by namespace;
    `rooms` of all namespaces; `waiting` to leave for clients, and `unacked` by them; `handlers`, tasks at work for the
    sessions; `lingering`, those of sessions that are over; `checks`, runs of the authentication hook under way, or
    waited for.

    Since the start: `sessions_made`, and `sessions_ended`, in `endings` by the word of their ending; `attaches`, and
    `resumes` among them; `refused` Hellos by the code of the Refuse, or "bad_hello"; `requests_refused` by HTTP status;
    `transports_closed` under sessions, by the word of the close code, or "lost"; `limits`, how often each was met;
    events `unhandled`, `misfits` whose payload did not fit, and handlers `cancelled`. The others are the sums of what
    `SessionStatistics` has, over the sessions that live and those that are over.
    """

    sessions: int
    transports: Mapping[str, int]
    sockets: Mapping[str, int]
    rooms: int
    waiting: Amount
    unacked: Amount
    handlers: int
    lingering: int
    checks: int
    sessions_made: int
    sessions_ended: int
    endings: Mapping[str, int]
    refused: Mapping[str, int]
    requests_refused: Mapping[int, int]
    transports_closed: Mapping[str, int]
    limits: LimitsHit
    unhandled: int
    misfits: int
    cancelled: int
    attaches: int
    resumes: int
    duplicates: int
    gaps: int
    late_replies: int
    late_items: int
    broken: int
    dropped: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomStatistics:
    """One moment of one audience: `sockets`, those of them that are `attached`, by `transports`, and how many `users`.

    `waiting` to leave for them, and `unacked` by them, are those of their sessions, with what other namespaces sent.
    """

    sockets: int
    attached: int
    transports: Mapping[str, int]
    users: int
    waiting: Amount
    unacked: Amount


@dataclass(frozen=True, kw_only=True, slots=True)
class NamespaceStatistics(RoomStatistics):
    """One moment of one namespace: as RoomStatistics, and the `rooms` by name, with the sockets in each."""

    name: str
    rooms: Mapping[str, int]


def of_server(
    lines: Collection[Line],
    lingering: Iterable[Connection],
    sockets: Mapping[str, int],
    rooms: int,
    checks: int,
    counters: Counters,
) -> ServerStatistics:
    """Count what lives now, and add what was counted on the way."""
    sums, limits = total([counters.befallen, *(befallen(line.session) for line in lines)]), Counter(counters.limits)
    for line in lines:
        if line.session.tally.limits:
            limits.update(line.session.tally.limits)
    limits["inbox"], limits["outbox"] = counters.ended["flood"], counters.ended["overflow"]
    limits["slow"] = counters.closed["slow"]
    waiting, unacked = _kept(lines)
    return ServerStatistics(
        sessions=len(lines),
        transports=_transports(lines),
        sockets=sockets,
        rooms=rooms,
        waiting=waiting,
        unacked=unacked,
        handlers=sum(line.handlers for line in lines),
        lingering=sum(connection.handlers for connection in lingering),
        checks=checks,
        sessions_made=counters.sessions_made,
        sessions_ended=counters.ended.total(),
        endings=dict(counters.ended),
        refused=dict(counters.refused),
        requests_refused=dict(counters.requests_refused),
        transports_closed=dict(counters.closed),
        limits=LimitsHit(**{field.name: limits[field.name] for field in fields(LimitsHit)}),
        unhandled=counters.unhandled,
        misfits=counters.misfits,
        cancelled=counters.handlers_cancelled,
        **sums._asdict(),
    )


def of_room(sockets: Collection[Socket]) -> RoomStatistics:
    """Count an audience."""
    lines = [socket.connection for socket in sockets]
    waiting, unacked = _kept(lines)
    return RoomStatistics(
        sockets=len(lines),
        attached=sum(line.session.attached for line in lines),
        transports=_transports(lines),
        users=len({line.session.identity.id for line in lines} - {None}),
        waiting=waiting,
        unacked=unacked,
    )


def of_namespace(name: str, sockets: Collection[Socket], rooms: Mapping[str, int]) -> NamespaceStatistics:
    """Count a namespace."""
    everybody = of_room(sockets)
    return NamespaceStatistics(
        name=name, rooms=rooms, **{field.name: getattr(everybody, field.name) for field in fields(everybody)}
    )


def of_session(line: Line, now: float) -> SessionStatistics:
    """Look at one session."""
    transport = line.transport.name if line.transport is not None else None
    return describe(line.session, now, sid=line.session.sid, transport=transport, handlers=line.handlers)


def _transports(lines: Iterable[Line]) -> dict[str, int]:
    return dict(Counter(line.transport.name for line in lines if line.transport is not None))


def _kept(lines: Iterable[Line]) -> tuple[Amount, Amount]:
    """What is kept for all of these clients: what has not left, and what has."""
    packets = size = packets_left = size_left = 0
    for line in lines:
        outbox = line.session.outbox
        if outbox.size:  # not so for who is idle, and of these there are thousands
            more, larger = outbox.waiting
            packets += more
            size += larger
            packets_left += outbox.packets - more
            size_left += outbox.size - larger
    return Amount(packets, size), Amount(packets_left, size_left)
