"""What a page says that happened to its client and its application, written into the history and judged there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from antiphon.errors import CallAbandoned, CallError, CallFailed, CallNotSent, CallTimeout
from antiphon.protocol.client_session import Loss
from antiphon.testing.simulation import invariants, stream_invariants
from antiphon.testing.simulation.flows import Flow
from antiphon.testing.simulation.history import Sent

if TYPE_CHECKING:
    from tests.simulation.typescript.end import Traffic, TypeScriptEnd

__all__ = ["Crashed", "Kept", "Notes"]

# How calls end, by what the client calls it; whatever else is the application's own reason to give up.
OUTCOMES = {error.__name__: error for error in (CallAbandoned, CallFailed, CallNotSent, CallTimeout)}


class Crashed(AssertionError):
    """Something escaped in the page."""


class Kept:
    """What is known of a packet in the client's outbox."""

    def __init__(self, *, held: bool) -> None:
        self.held = held
        self.number: int | None = None
        self.withdrawn = False


class Notes:
    """Each method takes the note that is called like it."""

    def __init__(self, client: TypeScriptEnd) -> None:
        self.inside: dict[str, bool] = {}
        self.latest: list[Sent] = []
        self._client = client
        self._history = client.history
        self._window = client.profile.resume.window

    def take(self, traffic: Traffic, name: str, how: list[Any]) -> None:
        """Take one."""
        match name:
            case "socket":
                traffic.opens_socket(*how)
            case "sent":
                traffic.sends(*how)
            case "hung_up":
                traffic.hangs_up(*how)
            case "request":
                traffic.requests(*how)
            case "abandoned":
                traffic.abandons(*how)
            case "beacon":
                traffic.says_leave(*how)
            case _:
                getattr(self, f"_{name}")(*how)

    def _crash(self, text: str) -> None:
        raise Crashed(text)

    # -- the session

    def _detached(self) -> None:
        self._client.session.detaches += 1

    def _queued(self, kind: str, serial: int, namespace: str, repeatable: bool, key: str, held: bool) -> None:
        history = self._history
        sent = Sent(serial, kind, namespace, self._client.time.now, key=key, repeatable=repeatable)
        sent.held = held
        sent.entry = Kept(held=held)
        history.up[serial] = sent
        if kind in ("call", "stream"):
            history.calls.append(sent)
        if kind != "stream":
            history.open_up[serial] = sent
        if key:
            history.newest["", namespace, key] = sent
            self.latest.append(sent)

    def _numbered(self, serial: int, number: int) -> None:
        entry = self._history.up[serial].entry
        assert isinstance(entry, Kept)
        entry.number = number

    def _withdrawn(self, serial: int, redelivered: bool, given_back: bool) -> None:
        sent = self._history.up[serial]
        assert isinstance(sent.entry, Kept)
        # What is sent again was in another entry before, which has left.
        sent.entry.withdrawn = sent.entry.withdrawn or not redelivered
        if given_back:
            self._tell(serial, "unconfirmed" if redelivered else "returned")

    def _loss(
        self, reason: str, detail: str, unconfirmed: list[list[Any]], unsent: list[int], retry_after: float | None
    ) -> None:
        history, known = self._history, self._client.known
        for serial, arrived in unconfirmed:
            # Whoever forged packets in our name has made the server count them.
            sure = None if known is not None and history.log(known).abused else arrived
            self._tell(serial, {None: "unconfirmed", True: "arrived", False: "not arrived"}[sure], known or "")
        for serial in unsent:
            self._tell(serial, "unsent")
        for sent in history.open_up.values():
            sent.held = True  # it waits at its gate again
        if known is not None:
            history.losses[known] = reason
            loss = Loss(reason, [], retry_after, [], detail)
            invariants.i3_losses_are_told_with_their_reason(history, known, loss, self._client.time.now, self._window)

    def _tell(self, serial: int, fate: str, sid: str = "") -> None:
        sent = self._history.up[serial]
        sent.fate, sent.lost_with = fate, sid
        self._history.open_up.pop(serial, None)

    # -- what the application was handed

    def _entered(self, name: str) -> None:
        if self.inside.get(name):
            self._history.violated(f"the client entered {name} twice", "I15")
        self.inside[name] = True

    def _left(self, name: str) -> None:
        if not self.inside.get(name):
            self._history.violated(f"the client left {name} without being there", "I15")
        self.inside[name] = False

    def _event(self, serial: int) -> None:
        invariants.i1_down_in_order_once(self._history, self._history.down[serial])

    def _nobodys(self, serial: int) -> None:
        invariants.i1_nobodys(self._history, self._history.down[serial], wanted=self._client.wanted())

    def _volatile(self, serial: int) -> None:
        for log in self._history.sessions.values():
            if serial in log.volatile:
                invariants.i16_volatile_at_most_once_down(self._history, log, serial)

    def _goes_on(self, serial: int) -> None:
        self._history.violated(f"the handler of call {serial} goes on although it was cancelled", "I14")

    # -- calls and streams

    def _outcome(self, serial: int, value: Any, error: str | None) -> None:
        sent = self._history.up.get(serial)
        if sent is None:
            return  # it was refused where it was made
        sent.outcomes.append(value if error is None else OUTCOMES.get(error, CallError)(error))
        self._history.open_up.pop(serial, None)  # whatever became of it, nobody waits for it

    def _started(self, serial: int) -> None:
        stream_invariants.i14_started(self._history, serial)

    def _source_began(self, serial: int, number: int) -> None:
        self._produces(serial, number).begin_source(self._client.process)

    def _produced(self, serial: int, number: int, size: int) -> None:
        stream_invariants.produced(self._history, self._produces(serial, number), size)

    def _source_ended(self, serial: int, number: int, how: str) -> None:
        stream_invariants.source_ended(self._history, self._produces(serial, number), how)

    def _reader_began(self, serial: int, number: int) -> None:
        self._reads(serial, number).begin_reader(self._client.process)

    def _taken(self, serial: int, number: int, item: list[Any]) -> None:
        stream_invariants.item_taken(self._history, self._reads(serial, number), item)

    def _reader_ended(self, serial: int, number: int, how: str) -> None:
        stream_invariants.reader_ended(self._history, self._reads(serial, number), how)

    def _produces(self, serial: int, number: int) -> Flow:
        return self._history.flow(serial, number, up=True)

    def _reads(self, serial: int, number: int) -> Flow:
        return self._history.flow(serial, number, up=False)
