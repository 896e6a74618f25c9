"""The invariants of the contract, one function each, named after their numbers: what must never be seen in a history.

These are called where something happens; those that look at how things stand are in standing_invariants.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from antiphon.config import Resume
from antiphon.protocol.client_session import Loss
from antiphon.protocol.packets import Hello, Refuse, Welcome
from antiphon.testing.simulation.history import History, Sent, SessionLog
from antiphon.testing.simulation.people import IMPOSTOR
from antiphon.types import Data

if TYPE_CHECKING:
    from antiphon.protocol.identity import Identity
    from antiphon.server.line import Line
    from antiphon.server.registry import Admission, Registry
    from antiphon.testing.simulation.page import ClientSide
    from antiphon.testing.simulation.server_connection import SimulatedConnection

# Clocks are floats, and ticks are a quarter of a second apart.
SLACK = 0.3
# Contract rule 9.
VOLATILE_WAIT = 0.25
_VOLATILE = re.compile(rb"~([du])(\d{6})")


def _wire(names: tuple[str, ...], log: SessionLog) -> tuple[str, ...]:
    """The same fault is one of I12 as well, where there was nothing but HTTP."""
    return (*names, "I12") if log.http_only else names


def i1_down_in_order_once(history: History, sent: Sent) -> None:
    """The client was handed an event: it must be the next one that its session's server emitted."""
    log = history.log(sent.sid)
    latest = ("I16",) if sent.kind == "latest" else ()
    if sent.withdrawn:
        history.violated(f"{sent} came to the client, and was taken back before", "I16")
    if sent.delivered:
        history.violated(f"{sent} was handed to the client again", *_wire(("I1", *latest), log))
    sent.delivered.append(sent.sid)
    expected = log.expected
    while expected and expected[0] is not sent:
        passed = expected.popleft()
        if not passed.withdrawn and not passed.given_up:
            history.violated(f"{sent} came to the client, and {passed} had not", *_wire(("I1", *latest), log))
    if expected:
        expected.popleft()
    else:
        history.violated(f"{sent} came to the client out of order", *_wire(("I1", *latest), log))


def i1_nobodys(history: History, sent: Sent, *, wanted: list[str]) -> None:
    """The client dropped an event, or turned a call away: it has left the namespace, and it does so in order, too."""
    if sent.namespace in wanted:
        history.violated(f"{sent} was dropped, and its namespace is wanted", "I1")
    if sent.kind != "stream":
        i1_down_in_order_once(history, sent)


def i2_up_in_order_once(history: History, log: SessionLog, sent: Sent, redelivered: bool) -> None:
    """A handler of the server starts: once, in the order of its namespace, and of all that waited at no gate."""
    names = ("I2", "I16") if sent.kind == "latest" else ("I2", "I14") if sent.kind == "call" else ("I2",)
    if sent.withdrawn and not sent.repeatable:
        history.violated(f"{sent} was handled, and was taken back before", *names)
    if log.sid in sent.delivered or (sent.delivered and not (sent.repeatable and redelivered)):
        history.violated(f"{sent} was handled again in {log.sid}", *_wire(names, log))
    if sent.fate in ("unsent", "expired", "returned", "not arrived"):
        history.violated(f"{sent} was handled, though the client was told it was {sent.fate}", *names, "I3")
    if sent.serial < log.last_up.get(sent.namespace, 0):
        history.violated(f"{sent} was handled after {log.last_up[sent.namespace]}", *_wire(names, log))
    log.last_up[sent.namespace] = sent.serial
    if not sent.held and not redelivered:
        if sent.serial < log.last_direct:
            history.violated(f"{sent} was handled after {log.last_direct}", *_wire(names, log))
        log.last_direct = sent.serial
    sent.delivered.append(log.sid)
    history.open_up.pop(sent.serial, None)


def i16_volatile_at_most_once_down(history: History, log: SessionLog, serial: int) -> None:
    """The client was handed a volatile event."""
    if serial <= log.last_volatile_down:
        history.violated(f"volatile {serial} came down after {log.last_volatile_down}", *_wire(("I16",), log))
    log.last_volatile_down = serial


def i16_volatile_at_most_once_up(history: History, log: SessionLog, serial: int) -> None:
    """A handler of the server was handed a volatile event."""
    if serial <= log.last_volatile_up:
        history.violated(f"volatile {serial} came up after {log.last_volatile_up}", *_wire(("I16",), log))
    log.last_volatile_up = serial


def i16_volatile_leaves_soon(history: History, message: Data, now: float) -> None:
    """The server writes a message: what is volatile in it was emitted a moment ago, to the same attachment."""
    for serial in _volatile_in(message, b"d"):
        for log in history.sessions.values():
            if serial in log.volatile:
                _leaves_soon(history, serial, *log.volatile[serial], now, log.detaches)


def i16_volatile_leaves_soon_upwards(client: ClientSide, message: Data) -> None:
    """The client writes a message: see above."""
    for serial in _volatile_in(message, b"u"):
        at, detaches = client.history.volatile_up[serial]
        _leaves_soon(client.history, serial, at, detaches, client.time.now, client.session.detaches)


def _volatile_in(message: Data, direction: bytes) -> list[int]:
    raw = message if isinstance(message, bytes) else message.encode()
    if b"~" + direction not in raw:
        return []
    return [int(serial) for which, serial in _VOLATILE.findall(raw) if which == direction]


def _leaves_soon(history: History, serial: int, at: float, detaches: int, now: float, detached: int) -> None:
    if now - at > VOLATILE_WAIT + 1e-6:
        history.violated(f"volatile {serial} left {now - at:.2f} s after it was emitted", "I16")
    if detached != detaches:
        history.violated(f"volatile {serial} was kept over a detachment", "I16")


def i7_older_never_displaces_newer(history: History, log: SessionLog, attempt: int) -> None:
    """A transport takes over."""
    if attempt <= log.attempt:
        history.violated(f"attempt {attempt} took over from {log.attempt}", "I7")
    log.attempt = attempt


@contextmanager
def judged_admission(
    history: History, registry: Registry, hello: Hello, identity: Identity
) -> Iterator[Callable[[Admission], None]]:
    """A Hello is answered: judge it by what the registry looked like before."""
    claimed = registry.claimed(hello)
    # The session may have ended while the hook was asked; what is left of it is for nobody else either.
    another = identity.id == IMPOSTOR or (claimed is not None and not claimed.session.identity.same_as(identity))
    before = _undisturbed(claimed)
    line = registry.find(hello.sid, hello.key) if hello.sid is not None else None
    alive = line is not None and line.session.ending is None and line.session.state.name != "CLOSING"
    attempt = line.session.attempt if line is not None else 0

    def judge(admission: Admission) -> None:
        if another:
            i10_another_principal_is_refused(history, hello, admission, before, _undisturbed(claimed))
            return
        i8_the_key_opens(history, hello, admission, alive=alive, attempt=attempt)
        i9_nothing_else_opens(history, hello, admission)

    yield judge


def i8_the_key_opens(history: History, hello: Hello, admission: Admission, *, alive: bool, attempt: int) -> None:
    """Whoever holds the key of a living session is let in, but for an attach that came too late."""
    answer = admission.answer
    if hello.key.startswith("stranger"):
        return
    if isinstance(answer, Refuse) and answer.code != "stale":
        log = history.sessions.get(hello.sid or "")
        if log is None or log.ending is None or log.ending.code != answer.code:
            history.violated(f"{hello} was refused: {answer.code}", "I8")
    if alive and isinstance(answer, Refuse) and hello.attempt > attempt:
        history.violated(f"{hello} was called stale above attempt {attempt}", "I8")
    if alive and isinstance(answer, Welcome) and not answer.resumed:
        history.violated(f"{hello} was not resumed ({answer.reason}), and its session lives", "I8")
    if alive and isinstance(answer, Welcome) and hello.attempt <= attempt:
        history.violated(f"{hello} was let in, though {attempt} had been", "I7")


def i9_nothing_else_opens(history: History, hello: Hello, admission: Admission) -> None:
    """A stranger gets a session of its own at most."""
    if hello.key.startswith("stranger") and isinstance(admission.answer, Welcome):
        line = admission.line
        if admission.answer.resumed or admission.answer.sid == hello.sid or line is None:
            history.violated(f"{hello} got into a session that is not its own", "I9")


def _undisturbed(line: Line | None) -> tuple[object, ...]:
    """What an attach that is refused may not change."""
    if line is None:
        return ()
    session = line.session
    inbox, outbox = session.inbox, session.outbox
    return (
        line.transport,
        session.state,
        session.attempt,
        session.ending,
        session.expires_at,
        session.identity,
        inbox.received,
        outbox.acked,
        outbox.cursor,
        outbox.packets,
    )


def i10_another_principal_is_refused(
    history: History, hello: Hello, admission: Admission, before: tuple[object, ...], after: tuple[object, ...]
) -> None:
    """Somebody with the key of a session has proved to be somebody else than whose it is."""
    answer = admission.answer
    log = history.sessions.get(hello.sid or "")
    over = log.ending.code if log is not None and log.ending is not None else ""
    if not isinstance(answer, Refuse) or answer.code not in ("principal_changed", over):
        history.violated(f"{hello} is another person's, and was answered {answer}", "I10")
    if before != after:
        history.violated(f"another person changed {before} to {after}", "I10")


def i8_sessions_end_for_a_reason(
    history: History, line: SimulatedConnection, resume: Resume, *, crowd: int, most: int
) -> None:
    """A session has ended on the server: the contract must allow the reason.

    `crowd` others of the same person wait for their clients, and at most so many may.
    """
    log, ending = line.log, line.session.ending
    assert ending is not None
    now = log.ended_at
    match ending.code:
        case "expired":
            since = log.detached_at if log.detached_at is not None else now
            early = since + resume.window > now + SLACK
            if early and (log.leaving_at is None or log.leaving_at + resume.leaving > now + SLACK):
                history.violated(f"{log.sid} expired {now - since:.2f} s after its last attachment", "I8")
        case "overflow":
            if not log.overfull:
                history.violated(f"{log.sid} overflowed with room in its outbox", "I8", "I17")
        case "closed":
            if not log.closing:
                history.violated(f"{log.sid} was closed, and nobody wanted that", "I8")
        case "evicted":
            if crowd < most:
                history.violated(f"{log.sid} was evicted, though only {crowd} others waited for their clients", "I8")
        case "unknown":
            if history.losses.get(log.sid) is None and log.last_up:
                history.violated(f"{log.sid} ended though its client did not begin anew", "I8")
        case code:
            if not log.abused:
                history.violated(f"{log.sid} ended with {code} ({ending.reason}), though all kept to the rules", "I3")


def i3_losses_are_told_with_their_reason(history: History, sid: str, loss: Loss, now: float, window: float) -> None:
    """The client is told that a session is lost: it must have ended, and for that reason."""
    log = history.log(sid)
    if loss.reason == "closed" and log.closing:
        return
    if log.restarted:
        if loss.reason != "server_restart" and not log.abused and loss.reason != log_reason(log):
            history.violated(f"{sid} was lost by a restart, but the client was told {loss.reason}", "I3")
        return
    if log.ending is None:
        if not log.abused:
            history.violated(f"the client lost {sid} ({loss.reason}), and it lives", "I3", "I8")
    elif (
        loss.reason != log.ending.code and not log.abused and (now < log.ended_at + window or loss.reason != "unknown")
    ):
        names = ("I3", "I17") if log.ending.code == "overflow" else ("I3",)
        history.violated(f"{sid} ended with {log.ending.code}, but the client was told {loss.reason}", *names)


def log_reason(log: SessionLog) -> str:
    """What a session ended with, if it did before its server was restarted."""
    return log.ending.code if log.ending is not None else ""


def i17_ended_sessions_are_freed(history: History, line: SimulatedConnection, registry: Registry) -> None:
    """A session has ended: nobody finds it, and it keeps nothing."""
    outbox = line.session.outbox
    if line in tuple(registry):
        history.violated(f"{line.log.sid} has ended and is still found", "I17")
    if outbox.packets or outbox.size or outbox.unacked or len(line.session.calls):
        history.violated(f"{line.log.sid} has ended and still keeps {outbox.packets} packets", "I17")


def i11_moving_over_never_stops_delivery(history: History, sent: Sent, waited: float, transport: str) -> None:
    """The network is calm, and the client tries a better transport: this had its round trip to arrive."""
    if not sent.delivered:
        history.violated(f"{sent} has not arrived after {waited} s over {transport} while the client moved over", "I11")


def i12_each_request_is_answered_once(history: History, verb: str, *, before: bool) -> None:
    """The server answers an HTTP request."""
    if before:
        history.violated(f"one {verb} was answered twice", "I12")


def nobody_is_busy(history: History, requests: int, seconds: float, sent: int) -> None:
    """Polls are held and tries are spaced: a few requests for each thing sent, and for each second that passed."""
    if requests > 40 + 2 * seconds + 2 * sent:
        history.violated(f"{requests} requests within {seconds:.0f} s in which {sent} things were sent", "busy")


def i15_entered(history: History, log: SessionLog, namespace: str) -> None:
    """The connect handler of a socket starts."""
    if log.entered.get(namespace, 0) != log.left.get(namespace, 0):
        history.violated(f"{log.sid} entered {namespace} twice", "I15")
    log.entered[namespace] = log.entered.get(namespace, 0) + 1


def i15_left(history: History, log: SessionLog, namespace: str) -> None:
    """The disconnect handler of a socket runs, or it was refused."""
    if log.entered.get(namespace, 0) != log.left.get(namespace, 0) + 1:
        history.violated(f"{log.sid} left {namespace} without being there", "I15")
    log.left[namespace] = log.left.get(namespace, 0) + 1
