"""The invariants of the contract for streams and for calls that are given up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from antiphon.testing.simulation.flows import Flow
from antiphon.testing.simulation.history import History
from antiphon.testing.simulation.process import Process

if TYPE_CHECKING:
    from antiphon.testing.simulation.page import SessionSide

# docs/protocol.md, streams: so many items, and so many bytes of them, may be on their way to a reader.
WINDOW = 32
AHEAD = 64 << 10


class Ending(Protocol):
    """One end of a session."""

    @property
    def session(self) -> SessionSide: ...


def i14_started(history: History, serial: int) -> None:
    """The handler of a call with streams starts: once, whatever the network did to the call."""
    sent = history.down.get(serial) or history.up[serial]
    if sent.delivered:
        history.violated(f"{sent} was started again", "I14")
    sent.delivered.append(sent.sid or "the server")
    if sent.fate in ("unsent", "returned", "not arrived"):
        history.violated(f"{sent} was started, though its caller was told it was {sent.fate}", "I3", "I14")


def produced(history: History, flow: Flow, size: int) -> list[Any]:
    """The application produces an item, so it was asked for one: its reader must have room (I5)."""
    if flow.sent - flow.taken >= WINDOW:
        history.violated(f"{flow} is {flow.sent - flow.taken} items ahead and was asked for more", "I5")
    if flow.ahead >= AHEAD:
        history.violated(f"{flow} is {flow.ahead} bytes ahead and was asked for more", "I5")
    item = [flow.serial, flow.number, flow.sent, bytes(size)]
    flow.sent += 1
    history.items += 1
    flow.sizes.append(size)
    flow.ahead += size
    return item


def item_taken(history: History, flow: Flow, item: list[Any]) -> None:
    """The application takes an item: the next one of this stream."""
    expected = [flow.serial, flow.number, flow.taken]
    if item[:3] != expected:
        history.violated(f"{flow} brought {item[:3]} in the place of {expected}", *flow.names)
    if flow.taken >= flow.sent:
        history.violated(f"{flow} brought more than was produced", *flow.names)
        return
    flow.taken += 1
    flow.ahead -= flow.sizes.popleft()


def source_ended(history: History, flow: Flow, how: str) -> None:
    """A source produces no more."""
    if flow.source is None or flow.source.how:
        history.violated(f"the source of {flow} ended twice", "I14")
        return
    flow.source = flow.source._replace(how=how)


def reader_ended(history: History, flow: Flow, how: str) -> None:
    """A reader takes no more: if it was told of an end, that must be the end that its source came to."""
    if flow.reader is None or flow.reader.how:
        history.violated(f"the reader of {flow} ended twice", "I14")
        return
    flow.reader = flow.reader._replace(how=how)
    if how in ("done", "failed"):
        source = flow.source.how if flow.source is not None else "never begun"
        if source != how:
            history.violated(f"the reader of {flow} was told that it is {how}, and its source is {source}", "I14")
        if flow.taken != flow.sent:
            history.violated(f"{flow} ended, and {flow.sent - flow.taken} items had not come", "I3", *flow.names)


# -- what is looked at in the end


def i14_every_stream_ended(history: History, *, living: bool = False) -> None:
    """All had its time: whoever produced or read has come to an end; `living`: for a caller that is not gone."""
    still = history.open_flows(living=living)
    if still:
        history.violated(f"{still[:3]} go on", "I14", "I18")


def i16_the_newest_value_arrived(history: History) -> None:
    """Only a newer value takes the place of one: the last of all is never taken back, but by who was told so."""
    for sent in history.newest.values():
        if sent.withdrawn and not sent.fate and not (sent.sid and history.log(sent.sid).ending is not None):
            history.violated(f"{sent} is the newest of its key, and was taken back", "I16")


def i18_nothing_goes_on(history: History, end: Ending) -> None:
    """Nothing is under way between the two: neither keeps a stream, a handler that answers, or a call."""
    session = end.session
    kept = len(session.streams), len(session.answering), len(session.calls)
    if any(kept):
        history.violated(f"{kept} streams, answers and calls are left of {end!r}", "I18")


def i18_no_task_is_left(history: History, processes: Iterable[Process]) -> None:
    """Everything is over, and so is every task."""
    for process in processes:
        if not process.gone and process.loop.tasks:
            history.violated(f"{len(process.loop.tasks)} tasks are left: {next(iter(process.loop.tasks))}", "I18")
