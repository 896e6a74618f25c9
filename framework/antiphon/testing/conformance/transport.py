"""The contract of a transport (antiphon.transports.base) as checks: a new transport is done when they pass."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from antiphon.protocol.closing import Closing, TransportCode
from antiphon.testing.conformance.broken import clause
from antiphon.testing.turns import settle
from antiphon.transports.base import Receiver, Transport
from antiphon.types import Data

__all__ = ["TRANSPORT_CLAUSES", "TransportFactory", "TransportRig", "check_transport"]

MANY = 100
PIECE = 64 << 10
# More than any buffer between two ends on one machine; a transport that takes all this takes everything.
MOST = 1024


class TransportRig(Protocol):
    """A transport that is open, and its peer as a test drives it.

    `receives` is False for a transport whose messages from the peer come by other ways, such as requests of their own.
    """

    transport: Transport
    receives: bool

    async def send(self, message: Data) -> None:
        """The peer sends one message."""
        ...

    async def receive(self) -> Data | None:
        """The next message that arrives at the peer; None once the transport has ended there.

        While nobody asks, the peer does not read.
        """
        ...

    async def vanish(self) -> None:
        """The peer is gone without a goodbye."""
        ...


# Opens a transport that tells `receiver` what happens to it.
TransportFactory: TypeAlias = Callable[[Receiver], AbstractAsyncContextManager[TransportRig]]


class Recorder:
    """Who listens to the transport under test."""

    def __init__(self) -> None:
        self.messages: list[tuple[Transport, Data]] = []
        self.drained: list[bool] = []  # whether it was congested when it told that it is not
        self.lost: list[Transport] = []
        self._changed = asyncio.Event()

    def on_message(self, transport: Transport, message: Data) -> None:
        self.messages.append((transport, message))
        self._changed.set()

    def on_drained(self, transport: Transport) -> None:
        self.drained.append(transport.congested)
        self._changed.set()

    def on_lost(self, transport: Transport) -> None:
        self.lost.append(transport)
        self._changed.set()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something is so."""
        while not condition():
            self._changed.clear()
            await self._changed.wait()


async def write_all(rig: TransportRig, messages: Sequence[Data]) -> list[Data | None]:
    """Write as a session would, never while it is congested, and return what the peer received meanwhile."""

    async def read() -> list[Data | None]:
        return [await rig.receive() for _ in messages]

    reading = asyncio.get_running_loop().create_task(read())
    try:
        for message in messages:
            while rig.transport.congested:  # noqa: ASYNC110 - one that is `single` tells nobody
                await asyncio.sleep(0)
            rig.transport.write(message)
        return await reading
    finally:
        reading.cancel()


async def messages_arrive_whole(rig: TransportRig, recorder: Recorder) -> None:
    """What is written arrives: each message whole, unchanged, once, and in order."""
    messages = [b"\0\xff", *(b"%d" % number for number in range(MANY)), bytes(range(256)) * 1024, b"the last"]

    got = await write_all(rig, messages)

    assert got == messages, f"wrote {_brief(messages)}, but the peer received {_brief(got)}"


async def text_stays_text(rig: TransportRig, recorder: Recorder) -> None:
    """A message of str arrives as str, one of bytes as bytes."""
    [got] = await write_all(rig, ["[0,0,[]] \u00e9\U0001f600"])

    assert got == "[0,0,[]] \u00e9\U0001f600", f"wrote a str, but the peer received {got!r}"


async def what_the_peer_says_arrives(rig: TransportRig, recorder: Recorder) -> None:
    """on_message is told each message of the peer whole, once, in order, and with the transport that it came by."""
    messages = [b"\0", *(b"%d" % number for number in range(MANY)), bytes(range(256)) * 512, b"the last"]

    for message in messages:
        await rig.send(message)
    await recorder.until(lambda: recorder.messages and recorder.messages[-1][1] == b"the last")
    await settle()

    got = [message for _, message in recorder.messages]
    assert got == messages, f"the peer sent {_brief(messages)}, but on_message was told {_brief(got)}"
    assert all(by is rig.transport for by, _ in recorder.messages), "on_message was told another transport"


async def a_new_receiver_is_told(rig: TransportRig, recorder: Recorder) -> None:
    """Whoever is the `receiver` now is told, not who was before: the gateway hands over to a connection."""
    second = Recorder()
    rig.transport.receiver = second

    await rig.send(b"hello")
    await second.until(lambda: second.messages)

    assert recorder.messages == [], "the receiver of before was told"


async def close_comes_behind_what_was_written(rig: TransportRig, recorder: Recorder) -> None:
    """close() sends what was written before, and then ends the transport at the peer."""
    written: list[Data] = [b"one", b"two", bytes(PIECE)]
    got: list[Data | None] = []

    if rig.transport.single:
        got = await write_all(rig, written)  # each has to be asked for
    else:
        for message in written:
            rig.transport.write(message)
    rig.transport.close(Closing(TransportCode.GOING_AWAY, "the server stops"))
    while (message_or_end := await rig.receive()) is not None:
        got.append(message_or_end)

    assert got == written, f"wrote {_brief(written)} and closed, but the peer received {_brief(got)}"


async def nothing_after_close(rig: TransportRig, recorder: Recorder) -> None:
    """After close() nothing is written, nothing is received, nobody is told, and closing twice is harmless."""
    rig.transport.close(Closing(TransportCode.GOING_AWAY))
    rig.transport.write(b"too late")
    rig.transport.close(Closing(TransportCode.PROTOCOL))
    got = await rig.receive()
    await settle()

    assert got is None, f"the peer received {got!r}, which was written after close()"
    assert recorder.lost == [], "on_lost was told, though the transport was closed by this side"
    assert recorder.messages == [] and recorder.drained == [], "something was told after close()"


async def late_words_of_the_peer_are_not_heard(rig: TransportRig, recorder: Recorder) -> None:
    """What the peer sent before it noticed a close() is not received."""
    rig.transport.close(Closing(TransportCode.GOING_AWAY))
    await rig.send(b"too late")
    await rig.receive()
    await settle()

    assert recorder.messages == [], f"on_message was told {recorder.messages[0][1]!r} after close()"


async def a_lost_peer_is_told_once(rig: TransportRig, recorder: Recorder) -> None:
    """on_lost is told once when the peer is gone; then write() and close() are harmless."""
    await rig.vanish()
    await recorder.until(lambda: recorder.lost)
    rig.transport.write(b"nobody hears this")
    rig.transport.close(Closing(TransportCode.GOING_AWAY))
    await settle()

    assert recorder.lost == [rig.transport], f"on_lost was told {len(recorder.lost)} times"


async def a_peer_that_does_not_read_is_congestion(rig: TransportRig, recorder: Recorder) -> None:
    """A transport is congested while its peer does not read; on_drained tells when that is over."""
    written = 0
    while not written or (not rig.transport.congested and written < MOST):
        rig.transport.write(bytes(PIECE))
        written += 1
        await asyncio.sleep(0)
    assert rig.transport.congested, f"{written * PIECE >> 20} MiB were written to a peer that does not read"

    read = 0
    while not recorder.drained and read < written:
        await rig.receive()
        read += 1
    await recorder.until(lambda: recorder.drained)

    assert recorder.drained[0] is False, "on_drained was told while `congested` was still true"


ALL = (
    messages_arrive_whole,
    text_stays_text,
    close_comes_behind_what_was_written,
    nothing_after_close,
    a_lost_peer_is_told_once,
)
RECEIVING = (
    what_the_peer_says_arrives,
    a_new_receiver_is_told,
    late_words_of_the_peer_are_not_heard,
)
# Who takes one message at a time is congested between any two, and whoever brings the next request writes.
STREAMING = (a_peer_that_does_not_read_is_congestion,)

TRANSPORT_CLAUSES: tuple[Callable[[TransportRig, Recorder], Awaitable[None]], ...] = (*ALL, *RECEIVING, *STREAMING)


async def check_transport(factory: TransportFactory) -> None:
    """Hold a transport to its contract; raises Broken, which names the first clause that does not hold.

        @asynccontextmanager
        async def memory(receiver):
            ours, theirs = memory_pair(receiver, peer := Peer())
            yield Rig(ours, theirs, peer)

        async def test_it_is_a_transport():
            await check_transport(memory)

    See tests/transports/rigs.py of antiphon for the rigs of its own transports.
    """
    for check in TRANSPORT_CLAUSES:
        recorder = Recorder()
        async with factory(recorder) as rig:
            if (check in RECEIVING and not rig.receives) or (check in STREAMING and rig.transport.single):
                continue
            async with clause(check.__doc__ or check.__name__):
                await check(rig, recorder)


def _brief(messages: Sequence[Data | None]) -> str:
    """Messages as a failure shows them."""
    shown = [message if message is None or len(message) <= 20 else f"<{len(message)} bytes>" for message in messages]
    return f"{len(messages)} messages: {shown[:5]}...{shown[-3:]}" if len(shown) > 8 else repr(shown)
