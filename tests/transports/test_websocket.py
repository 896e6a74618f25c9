"""A WebSocket on the server: what happens to it, and what whoever receives is told."""

from __future__ import annotations

import pytest

from antiphon.protocol.closing import Closing, Loss, TransportCode
from antiphon.transports.base import Transport
from antiphon.transports.websocket import WebSocketTransport
from antiphon.types import Data


class Listener:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.told: list[str | Data] = []

    def on_message(self, transport: Transport, message: Data) -> None:
        self.told.append(message)

    def on_drained(self, transport: Transport) -> None:
        self.told.append("drained")

    def on_lost(self, transport: Transport) -> None:
        self.told.append("lost")


class SomeWebSocket(WebSocketTransport):
    """The least that one has of its own."""

    def __init__(self, receiver: Listener) -> None:
        super().__init__(receiver)
        self.shut: list[tuple[int, str]] = []

    def write(self, message: Data) -> None:
        self.congested = True

    def _shut(self, code: int, reason: str) -> None:
        self.shut.append((code, reason))


def websocket() -> tuple[SomeWebSocket, Listener]:
    listener = Listener()
    return SomeWebSocket(listener), listener


def test_a_message_goes_to_the_receiver_of_the_moment() -> None:
    socket, before = websocket()
    after = Listener()

    socket.received(b"hello")
    socket.receiver = after
    socket.received("later")

    assert (before.told, after.told) == ([b"hello"], ["later"])


def test_nothing_is_received_after_closing() -> None:
    socket, listener = websocket()

    socket.close(Closing(TransportCode.FENCED, "2"))
    socket.received("too late")
    socket.lost()

    assert listener.told == []


def test_closing_twice_keeps_the_first_reason() -> None:
    socket, _ = websocket()

    socket.close(Closing(TransportCode.FENCED, "2"))
    socket.close(Closing(TransportCode.SILENT, "later"))

    assert socket.shut == [(4003, "2")]


@pytest.mark.parametrize("reason", ["x" * 500, "ž" * 100, "x" + "🦩" * 100])
def test_a_long_reason_is_cut_at_a_character_below_123_bytes(reason: str) -> None:
    socket, _ = websocket()

    socket.close(Closing(TransportCode.GAP, reason))

    ((_, cut),) = socket.shut
    assert 117 <= len(cut.encode()) <= 123
    assert reason.startswith(cut)


def test_congestion_ends_once_with_a_word() -> None:
    socket, listener = websocket()
    socket.write(b"much")

    socket.drained()
    socket.drained()

    assert (socket.congested, listener.told) == (False, ["drained"])


def test_a_closed_one_drains_without_a_word() -> None:
    socket, listener = websocket()
    socket.write(b"much")
    socket.close(Closing(TransportCode.ENDED))

    socket.drained()

    assert (socket.congested, listener.told) == (False, [])


def test_its_loss_is_told_once() -> None:
    socket, listener = websocket()

    socket.lost(Loss("the client closed the connection"))
    socket.lost()

    assert (listener.told, socket.loss) == (["lost"], Loss("the client closed the connection"))
    assert socket.shut == []
