"""The invariants of the contract that are seen in how things stand: after every step, and in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from antiphon.errors import CallNotSent
from antiphon.protocol.client_session import RESERVE
from antiphon.testing.simulation.history import History, Sent

if TYPE_CHECKING:
    from antiphon.testing.simulation.page import ClientSide, SessionSide
    from antiphon.testing.simulation.server_end import ServerEnd

# -- what is looked at after every step


def i4_what_was_not_handed_over_is_kept(history: History, server: ServerEnd, client: ClientSide) -> None:
    """An ack lets its sender forget: only what was handed over may be forgotten."""
    session = client.session
    abused = client.known is not None and history.log(client.known).abused
    if (
        session.ending is None
        and not abused
        and len(history.open_up) > session.outbox.packets + session.members.packets
    ):
        open_up = sum(not sent.withdrawn for sent in history.open_up.values())
        kept = session.outbox.packets + session.members.packets
        if open_up > kept:
            history.violated(f"the client keeps {kept} packets, but {open_up} were not handed over", "I4")
    for line in server.registry:
        log = line.log  # type: ignore[attr-defined]  # every line here is a SimulatedConnection
        kept = line.session.outbox.packets
        if (
            line.session.ending is None
            and len(log.expected) > kept
            and log.sid not in history.losses
            and client.known == log.sid
        ):
            expected = sum(not sent.withdrawn and not sent.given_up for sent in log.expected)
            if expected > kept:
                history.violated(f"{log.sid} keeps {kept} packets, but {expected} were not handed over", "I4")


def i5_buffers_are_bounded(history: History, server: ServerEnd, client: ClientSide) -> None:
    """No buffer is above its bound."""
    for line in server.registry:
        _bounded(history, line.session, 0)
    session = client.session
    _bounded(history, session, RESERVE)
    if session.members.packets and (
        session.members.packets + session.outbox.packets > session.outbox.bounds.packets + RESERVE
        or session.members.size + session.outbox.size > session.outbox.bounds.size + (64 << 10)
    ):
        history.violated(f"{session.members.packets} packets wait at the gates", "I5")


def _bounded(history: History, session: SessionSide, reserve: int) -> None:
    if session.ending is not None:
        return
    outbox = session.outbox
    bounds, size = outbox.bounds, outbox.size
    if size and (
        outbox.packets > bounds.packets + reserve or size > (bounds.size * 5 // 4 if reserve else bounds.size)
    ):
        history.violated(f"an outbox keeps {outbox.packets} packets, {outbox.size} bytes", "I5")
    inbox = session.inbox
    if len(inbox) > 2 * inbox.bounds.packets + 64:
        history.violated(f"an inbox keeps {len(inbox)} packets", "I5")


def i6_one_living_transport(history: History, server: ServerEnd) -> None:
    """Of all transports that lead to a session only one is open."""
    for line in server.registry:
        transport = line.transport
        if transport is not None and transport.receiver is not line:
            history.violated("the transport of a session leads elsewhere", "I6")
    for transport in server.transports:
        if not transport.closed and transport.receiver is not server.gateway:
            line = transport.receiver  # type: ignore[assignment]  # every line here is a SimulatedConnection
            if line.transport is not transport:
                history.violated(f"a second transport of {line.log.sid} is open", "I6")  # type: ignore[attr-defined]  # every line here is a SimulatedConnection


def i13_rooms_and_data_stay(history: History, server: ServerEnd) -> None:
    """Whatever happens to transports: sockets, their rooms and their data are as the application left them."""
    for line in server.registry:
        log = line.log  # type: ignore[attr-defined]  # every line here is a SimulatedConnection
        if line.session.ending is not None:
            continue
        for name, rooms in log.rooms.items():
            socket = line.sockets.get(name)  # type: ignore[attr-defined]  # every line here is a SimulatedConnection
            if socket is None or not socket.connected:
                history.violated(f"{log.sid} lost its socket in {name}", "I13")
                continue
            if socket.rooms != rooms or any(socket not in socket.namespace.to(room).sockets for room in rooms):
                history.violated(f"{log.sid} is in {set(socket.rooms)} of {name}, not in {rooms}", "I13")
            if socket.data != log.data[name]:
                history.violated(f"{log.sid} has {socket.data} in {name}, not {log.data[name]}", "I13")


def i16_one_unsent_latest_value(history: History, sent: list[Sent]) -> list[Sent]:
    """Of one key at most one value waits without a number. Returns which values wait."""
    waiting: list[Sent] = []
    unsent: set[tuple[str, str, str, bool]] = set()
    for latest in sent:
        entry = latest.entry
        ended = latest.sid and history.log(latest.sid).ending is not None
        if entry is None or entry.withdrawn or entry.number is not None or latest.fate or ended:
            continue
        waiting.append(latest)
        # One in the outbox and one at the gate may be of two stays in the namespace.
        key = (latest.sid, latest.namespace, latest.key, entry.held)
        if key in unsent:
            history.violated(f"two values of {latest.key} wait", "I16")
        unsent.add(key)
    return waiting


# -- what is looked at in the end


def i3_everything_arrived_or_was_told(history: History, server: ServerEnd, client: ClientSide) -> None:
    """The faults have stopped, and everything had its time."""
    for sent in history.up.values():
        if sent.kind in ("call", "stream") or sent.delivered or sent.withdrawn or sent.fate:
            continue
        names = ("I3", "I16") if sent.kind == "latest" else ("I3", "I2")
        history.violated(f"{sent} never arrived, and the client was not told", *names)
    for sent in history.up.values():
        if sent.fate in ("unsent", "expired", "returned", "not arrived") and sent.delivered:
            history.violated(f"{sent} was handled, though the client was told it was {sent.fate}", "I3")
        # What a process had accepted is lost with it (contract rule 25), and streams are lost with their session.
        if (
            sent.fate == "arrived"
            and sent.kind != "stream"
            and not sent.delivered
            and not sent.given_up
            and not history.log(sent.lost_with).restarted
        ):
            history.violated(f"the client was told that {sent} had arrived", "I3")
    for log in history.sessions.values():
        if log.sid in history.losses or log.restarted or log.abused:
            continue
        missing = [sent for sent in log.expected if not sent.withdrawn and not sent.given_up]
        if missing and client.known == log.sid:
            names = ("I3", "I16") if all(sent.kind == "latest" for sent in missing) else ("I3", "I1")
            history.violated(f"{missing[:3]} never arrived, and the client was not told", *names)


def i14_one_outcome_per_call(history: History) -> None:
    """Every call had its time: each has exactly one outcome, and it fits what happened."""
    for sent in history.calls:
        if len(sent.outcomes) > 1:
            history.violated(f"{sent} had the outcomes {sent.outcomes}", "I14")
        for outcome in sent.outcomes:
            if isinstance(outcome, CallNotSent) and sent.delivered:
                history.violated(f"{sent} was 'not sent', and ran", "I14")
            if isinstance(outcome, int) and (outcome != sent.serial or not sent.delivered):
                history.violated(f"{sent} was answered with {outcome}", "I14")


def i14_no_call_is_forgotten(history: History) -> None:
    """Every call had its time."""
    for sent in history.calls:
        if not sent.outcomes and not (sent.sid and history.log(sent.sid).restarted) and not history.unnoticed(sent):
            history.violated(f"{sent} has no outcome", "I14")


def i15_both_sides_agree(history: History, client: set[str], server: set[str]) -> None:
    """Everything was said and answered: the client is where its server thinks it is."""
    if client != server:
        history.violated(f"the client is in {client}, its server has {server}", "I13", "I15")


def i15_everybody_left(history: History) -> None:
    """All sessions are over: every socket that entered has left."""
    for log in history.sessions.values():
        if not log.restarted and log.entered != log.left:
            history.violated(f"{log.sid} entered {log.entered} and left {log.left}", "I15")
