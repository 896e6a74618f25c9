"""The check of transports names the clause that a broken transport breaks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from antiphon.protocol.closing import Closing
from antiphon.testing import Broken, TransportRig, check_transport
from antiphon.testing.conformance import broken
from antiphon.transports.base import Receiver, Transport
from antiphon.transports.memory import MemoryTransport
from antiphon.types import NOTHING, Data
from tests.transports.rigs import MemoryRig


class Faulty:
    """Stands before a sound transport and spoils one thing, which its subclass says."""

    name = "faulty"
    address = ""
    single = False
    pings = True
    due = float("inf")
    headers = NOTHING

    def __init__(self, sound: MemoryTransport, receiver: Receiver) -> None:
        self.sound = sound
        self.receiver = receiver
        self.closed = False
        sound.receiver = self

    @property
    def congested(self) -> bool:
        return self.sound.congested

    @congested.setter
    def congested(self, congested: bool) -> None:
        self.sound.congested = congested

    def write(self, message: Data) -> None:
        self.sound.write(message)

    def close(self, closing: Closing) -> None:
        self.closed = True
        self.sound.close(closing)

    def tick(self, now: float) -> None:
        """It has no clock."""

    def postpone(self, seconds: float) -> None:
        """It has no clock."""

    def on_message(self, transport: Transport, message: Data) -> None:
        self.receiver.on_message(self, message)

    def on_drained(self, transport: Transport) -> None:
        self.receiver.on_drained(self)

    def on_lost(self, transport: Transport) -> None:
        self.receiver.on_lost(self)


class Splitting(Faulty):
    """Large messages come in pieces."""

    def write(self, message: Data) -> None:
        for start in range(0, len(message), 1000):
            super().write(message[start : start + 1000])


class Reordering(Faulty):
    """One message waits for the next."""

    held: Data | None = None

    def write(self, message: Data) -> None:
        if message == b"50":
            self.held = message
            return
        super().write(message)
        if self.held is not None:
            held, self.held = self.held, None
            super().write(held)


class Texting(Faulty):
    """Everything is bytes."""

    def write(self, message: Data) -> None:
        super().write(message.encode() if isinstance(message, str) else message)


class Hearing(Faulty):
    """Messages of the peer are joined."""

    def on_message(self, transport: Transport, message: Data) -> None:
        if message == b"7":
            return
        super().on_message(transport, b"78" if message == b"8" else message)


class Stubborn(Faulty):
    """It remembers its first receiver."""

    def __init__(self, sound: MemoryTransport, receiver: Receiver) -> None:
        super().__init__(sound, receiver)
        self.first = receiver

    def on_message(self, transport: Transport, message: Data) -> None:
        self.first.on_message(self, message)


class Abrupt(Faulty):
    """It closes at once."""

    def close(self, closing: Closing) -> None:
        self.sound.black_hole()
        self.sound.release()
        super().close(closing)


class WritingOn(Faulty):
    """It writes after close."""

    def write(self, message: Data) -> None:
        if self.closed:
            self.sound.other.receiver.on_message(self.sound.other, message)
        else:
            super().write(message)


class TellingOfItsOwnClose(Faulty):
    """Its own close is told as a loss."""

    def close(self, closing: Closing) -> None:
        super().close(closing)
        self.receiver.on_lost(self)


class ListeningOn(Faulty):
    """It goes on receiving after close."""

    def __init__(self, sound: MemoryTransport, receiver: Receiver) -> None:
        super().__init__(sound, receiver)
        sound.other.write = self.heard  # type: ignore[method-assign]  # the peer's words, past the sound transport

    def heard(self, message: Data) -> None:
        self.receiver.on_message(self, message)


class Repeating(Faulty):
    """A loss is told by the reader and by the writer."""

    def write(self, message: Data) -> None:
        super().write(message)
        if message == b"nobody hears this":
            self.receiver.on_lost(self)


class Greedy(Faulty):
    """It takes whatever it is given."""

    @property
    def congested(self) -> bool:
        return False

    @congested.setter
    def congested(self, congested: bool) -> None:
        """It never is."""


class Silent(Faulty):
    """It does not tell that congestion is over."""

    def on_drained(self, transport: Transport) -> None:
        """Nothing."""


async def check(kind: type[Faulty]) -> None:
    class Rig(MemoryRig):
        def __init__(self, receiver: Receiver) -> None:
            super().__init__(receiver)
            self.transport = kind(self.sound, receiver)

    @asynccontextmanager
    async def factory(receiver: Receiver) -> AsyncIterator[TransportRig]:
        yield Rig(receiver)

    await check_transport(factory)


async def test_a_sound_transport_passes() -> None:
    await check(Faulty)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Splitting, "What is written arrives"),
        (Reordering, "What is written arrives"),
        (Texting, "A message of str arrives as str"),
        (Hearing, "on_message is told each message of the peer"),
        (Stubborn, "Whoever is the `receiver` now"),
        (Abrupt, r"close\(\) sends what was written before"),
        (WritingOn, r"After close\(\) nothing is written"),
        (TellingOfItsOwnClose, r"After close\(\) nothing is written"),
        (ListeningOn, "What the peer sent before it noticed"),
        (Repeating, "on_lost is told once"),
        (Greedy, "congested while its peer does not read"),
        (Silent, "on_drained tells when that is over"),
    ],
)
async def test_a_fault_is_named_by_the_clause_that_it_breaks(
    kind: type[Faulty], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broken, "PATIENCE", 0.3)

    with pytest.raises(Broken, match=words):
        await check(kind)
