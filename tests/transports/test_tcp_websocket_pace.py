"""How fast a WebSocket is read: Limits.messages, at the limit and one above."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from antiphon.config import Limits
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.testing.clock import ManualClock
from antiphon.transports import tcp_websocket
from antiphon.transports.tcp_websocket import TcpWebSocket
from antiphon.transports.websocket_group import WebSocketGroup, WebSocketLimit
from tests.hosts.rig import until
from tests.transports.tcp import Tcp
from tests.transports.test_tcp_websocket import Listener
from tests.wire.frames import BINARY, CLOSE, PING, PONG, frame, server_frame

# A burst of ten, then five a second.
LIMITS = Limits(messages=5.0)


class Rig:
    """A WebSocket that somebody has taken, and time that stands still."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.hits: list[WebSocketLimit] = []
        self.listener = Listener()
        self.tcp = Tcp()
        self.socket = TcpWebSocket(WebSocketGroup(LIMITS, self.hits.append, self.clock), Listener(), self.tcp)
        self.socket.receiver = self.listener

    def receive(self, *numbers: int) -> None:
        """All of them in one segment."""
        self.socket.data_received(b"".join(frame(BINARY, bytes([number])) for number in numbers))

    @property
    def numbers(self) -> list[int]:
        return [told[0] for told in self.listener.told if isinstance(told, bytes)]

    async def wait(self) -> None:
        """Until its pause is over."""
        await until(lambda: self.tcp.reading or len(self.hits) > 1)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pause is as short as the clock allows, and that stands still."""
    monkeypatch.setattr(tcp_websocket, "PAUSE", 0.0)
    yield


@pytest.fixture
async def rig() -> Rig:
    return Rig()


async def test_a_burst_of_two_seconds_is_read_at_once(rig: Rig) -> None:
    rig.receive(*range(10))

    assert (rig.numbers, rig.tcp.reading, rig.hits) == ([*range(10)], True, [])


async def test_with_one_above_it_reading_stops_and_what_came_behind_it_waits(rig: Rig) -> None:
    rig.receive(*range(14))

    assert (rig.numbers, rig.tcp.reading, rig.hits) == ([*range(11)], False, ["messages"])


async def test_messages_one_by_one_are_counted_too(rig: Rig) -> None:
    for number in range(11):
        rig.receive(number)

    assert (rig.tcp.reading, rig.hits) == (False, ["messages"])


async def test_after_a_while_it_goes_on_where_it_stopped(rig: Rig) -> None:
    rig.receive(*range(14))
    rig.clock.advance(10.0)

    await rig.wait()

    assert (rig.numbers, rig.tcp.reading, rig.hits) == ([*range(14)], True, ["messages"])


async def test_while_too_little_time_has_passed_it_stops_again(rig: Rig) -> None:
    rig.receive(*range(14))

    await rig.wait()

    assert (rig.tcp.reading, rig.hits[:2]) == (False, ["messages", "messages"])
    rig.socket.connection_lost(None)


async def test_what_comes_all_the_same_is_kept_in_its_order(rig: Rig) -> None:
    """With TLS, what was decrypted already."""
    rig.receive(*range(14))
    rig.receive(14, 15)
    rig.clock.advance(10.0)

    await rig.wait()

    assert rig.numbers == [*range(16)]


async def test_pings_count_as_messages(rig: Rig) -> None:
    rig.socket.data_received(frame(PING, b"?") * 12)

    assert (rig.tcp.reading, rig.hits) == (False, ["messages"])
    assert server_frame(rig.tcp.written[0])[0].opcode == PONG  # type: ignore[index]  # it is a whole one


async def test_one_that_is_closed_meanwhile_still_hears_the_peers_close(rig: Rig) -> None:
    rig.receive(*range(14))
    rig.socket.close(Closing(TransportCode.ENDED))
    rig.socket.data_received(frame(CLOSE, b"\x03\xe8"))
    rig.clock.advance(10.0)

    await until(lambda: rig.tcp.ended == ["eof"])

    assert rig.numbers == [*range(11)]
    rig.socket.connection_lost(None)


async def test_one_that_is_lost_meanwhile_is_not_read_on(rig: Rig) -> None:
    rig.receive(*range(14))
    rig.socket.connection_lost(None)
    rig.clock.advance(10.0)

    rig.socket.eof_received()

    assert rig.numbers == [*range(11)]
