"""A WebSocket for finished frames, and the pause that its receiver may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from antiphon.config import Limits
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.testing.clock import ManualClock
from antiphon.transports import tcp_websocket
from antiphon.transports.framed_websocket import FramedWebSocket
from antiphon.transports.websocket_group import WebSocketGroup
from tests.hosts.rig import until
from tests.transports.tcp import Tcp
from tests.transports.test_tcp_websocket import Listener
from tests.wire.frames import BINARY, frame


class Rig:
    """One that somebody has taken."""

    def __init__(self) -> None:
        self.full = False
        self.listener = Listener()
        self.tcp = Tcp()
        group = WebSocketGroup(Limits(), lambda limit: None, ManualClock())
        self.socket = FramedWebSocket(group, Listener(), self.tcp)
        self.socket.receiver = self.listener

    def receive(self, *numbers: int) -> None:
        self.socket.data_received(b"".join(frame(BINARY, bytes([number])) for number in numbers))

    @property
    def numbers(self) -> list[int]:
        return [told[0] for told in self.listener.told if isinstance(told, bytes)]

    def hold(self) -> None:
        """Nothing is to come until there is room."""
        self.full = True
        self.socket.hold(lambda: not self.full)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A pause takes no time."""
    monkeypatch.setattr(tcp_websocket, "PAUSE", 0.0)
    yield


@pytest.fixture
async def rig() -> Rig:
    return Rig()


async def test_frames_are_written_as_they_are(rig: Rig) -> None:
    rig.socket.write(b"\x81\x01a\x82\x01b")

    assert rig.tcp.written == [b"\x81\x01a\x82\x01b"]


async def test_nothing_is_written_behind_a_close_or_to_what_broke(rig: Rig) -> None:
    rig.tcp.broken = True
    rig.socket.write(b"\x81\x01a")
    rig.tcp.broken = False
    rig.socket.close(Closing(TransportCode.ENDED))
    written = len(rig.tcp.written)

    rig.socket.write(b"\x81\x01b")

    assert len(rig.tcp.written) == written


async def test_one_that_is_held_brings_the_rest_once_there_is_room(rig: Rig) -> None:
    rig.hold()
    rig.receive(1, 2, 3)
    assert rig.numbers == [1] and not rig.tcp.reading

    rig.full = False
    await until(lambda: rig.tcp.reading)

    assert rig.numbers == [1, 2, 3]


async def test_one_that_is_held_and_closed_reads_on(rig: Rig) -> None:
    rig.hold()
    rig.receive(1, 2)

    rig.socket.close(Closing(TransportCode.ENDED))
    await until(lambda: rig.tcp.reading)

    assert rig.numbers == [1]


@pytest.mark.parametrize(
    "closing, code, reason",
    [
        (Closing(TransportCode.ENDED, "draining"), 1001, b"draining"),
        (Closing(TransportCode.ENDED, "closed", "go home"), 1000, b"go home"),
        (Closing(TransportCode.PROTOCOL, "protocol", "not JSON"), 4007, b"not JSON"),
        (Closing(TransportCode.SILENT, "nothing was heard"), 4005, b"nothing was heard"),
    ],
)
async def test_its_close_says_all_that_such_a_client_is_told(
    rig: Rig, closing: Closing, code: int, reason: bytes
) -> None:
    rig.socket.close(closing)

    assert rig.tcp.written[-1].endswith(code.to_bytes(2, "big") + reason)
