"""A WebSocket straight on a TCP connection, after the HTTP handshake: no task, no queue, one write per message."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from typing import assert_never

from antiphon.protocol.closing import Closing, Loss, TransportCode
from antiphon.protocol.pace import Pace
from antiphon.transports.base import Receiver
from antiphon.transports.websocket import HIGH_WATER, WebSocketTransport
from antiphon.transports.websocket_frames import FrameReader, PeerClose, Ping, Violation
from antiphon.transports.websocket_group import CLOSE_WAIT, WebSocketGroup
from antiphon.transports.websocket_writing import SHORT_BINARY, close_frame, message_frame, pong_frame
from antiphon.types import NOTHING, Data

__all__ = ["TcpWebSocket"]

log = logging.getLogger("antiphon.session")

# So many bytes of Pongs are written at once: a segment may hold ten thousand Pings, and a write is a system call.
MANY_PONGS = 4096

CLOSED = Loss("the client closed the connection")
# The close code of the standard for a fault of this side.
FAILED = 1011
# A pause takes so many seconds more than it has to, for each takes a timer.
PAUSE = 0.05
# So many messages are handed over in one turn of the loop; the rest of a segment waits for the next. Two thousand small
# ones in one turn kept everybody else waiting for 20 ms.
TURN = 16


class TcpWebSocket(WebSocketTransport, asyncio.Protocol):
    """The protocol of an asyncio.Transport, plain or with TLS; its host sets it there and passes on what came before.

    Until it has another receiver than its first, a message is a Hello: it is small, and has to come in time. Once it
    is closed nothing is written, and what comes is read for the peer's Close only, and behind that thrown away.
    """

    __slots__ = (
        "_group",
        "_held",
        "_pace",
        "_pause",
        "_pongs",
        "_reader",
        "_receiver",
        "_tcp",
        "_timer",
        "address",
        "headers",
    )

    def __init__(
        self,
        group: WebSocketGroup,
        receiver: Receiver,
        tcp: asyncio.Transport,
        address: str = "",
        headers: Mapping[str, str] = NOTHING,
    ) -> None:
        limits = group.limits
        self._reader = FrameReader(limits.hello, limits.fragments)
        self._pace = Pace(limits.messages, group.burst, group.clock())
        self._held: Callable[[], bool] | None = None  # see `hold`
        self._pause: asyncio.Handle | None = None  # while nothing is read, or the rest of a segment waits for its turn
        # What ends an open one that says no Hello, and a closed one whose peer does not end it.
        self._timer: asyncio.TimerHandle | None = None
        super().__init__(receiver)
        self._timer = asyncio.get_running_loop().call_later(limits.hello_timeout, self._no_hello)
        self.address = address
        self.headers = headers
        self._tcp = tcp
        self._pongs = b""  # owed and not written yet
        self._group = group
        group.add(self)
        self.congested = tcp.get_write_buffer_size() > HIGH_WATER
        tcp.set_write_buffer_limits(HIGH_WATER, HIGH_WATER // 2)

    @property
    def receiver(self) -> Receiver:
        """Who listens to it."""
        return self._receiver

    @receiver.setter
    def receiver(self, receiver: Receiver) -> None:
        self._receiver = receiver
        if self._timer is not None and not self._closed:
            self._timer.cancel()
            self._timer = None
            self._reader.limit = self._group.limits.message

    @property
    def buffered(self) -> int:
        """How many bytes the network has not taken yet."""
        return self._tcp.get_write_buffer_size()

    def write(self, message: Data) -> None:
        """See WebSocketTransport.write."""
        if self._closed:
            return
        if isinstance(message, bytes) and len(message) < 126:
            frame = SHORT_BINARY[len(message)] + message
        else:
            frame = message_frame(message)
        try:  # noqa: SIM105 - a context manager takes longer than the frame
            self._tcp.write(frame)
        except RuntimeError:
            pass  # uvloop's word for a connection that broke in this turn; its end is told in the next one

    # -- what the TCP connection tells

    def data_received(self, data: bytes) -> None:
        """Bytes came: hand over the messages in them."""
        reader, pace, turn = self._reader, self._pace, TURN
        event = reader.read(data)
        while event is not None:
            pace.left -= 1.0
            if not isinstance(event, bytes | str):
                self._told(event)
            elif not self._closed:
                try:
                    self._receiver.on_message(self, event)
                except Exception:
                    # Whoever receives is ours, and does not raise. Should it, asyncio would cut the connection off
                    # in silence, and the peer would come back with the same message for ever.
                    log.exception("a message from %s was not taken in: its WebSocket is closed", self.address)
                    self._give_up(FAILED, Loss("the server failed"))
            if (pace.left < 0.0 or self._held is not None) and not reader.over and self._waits():
                break
            turn -= 1
            if not turn and reader.rest:
                self._go_on_soon()
                break
            event = reader.read() if reader.rest else None
        if self._pongs and not self.congested:
            self._answer_pings()

    def eof_received(self) -> None:
        """The peer says nothing more. One that went without a Close is gone: asyncio closes the connection."""
        self.lost()
        self._end_in_time()

    def connection_lost(self, error: Exception | None) -> None:
        """The TCP connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pause is not None:
            self._pause.cancel()
        self._group.remove(self)
        self.lost()

    def pause_writing(self) -> None:
        """The peer, or the network, takes less than what is written."""
        self.congested = True

    def resume_writing(self) -> None:
        """It took enough."""
        self._answer_pings()
        self.drained()

    def hold(self, until: Callable[[], bool]) -> None:
        """Read nothing more, not even what is here already, until `until` is true; it is asked many times a second."""
        self._held = until

    def abort(self) -> None:
        """Cut the TCP connection off."""
        self._tcp.abort()

    # -- within

    def _waits(self) -> bool:
        """Whether nothing is to be read for now, so that the peer is held back; it is looked again in time."""
        if self._pause is None:
            wait, full = self._too_fast(), self._full()
            if not wait and not full:
                return False
            self._pause = asyncio.get_running_loop().call_later(wait or PAUSE, self._go_on)
            with contextlib.suppress(RuntimeError):  # see `write`
                self._tcp.pause_reading()
        return True

    def _too_fast(self) -> float:
        """More came than may: in how many seconds that is made up for; 0: it did not."""
        if self._pace.left >= 0.0:
            return 0.0
        self._pace.refill(self._group.clock())
        if self._pace.left >= 0.0:
            return 0.0
        self._group.hit("messages")
        return -self._pace.left / self._group.limits.messages + PAUSE

    def _full(self) -> bool:
        """Whether `hold` has asked for a pause that is not over. What is closed is read on, for the peer's Close."""
        if self._held is None or self._closed or self._held():
            self._held = None
            return False
        return True

    def _go_on_soon(self) -> None:
        """Others have their turn first."""
        if self._pause is None:
            self._pause = asyncio.get_running_loop().call_soon(self._go_on)
            with contextlib.suppress(RuntimeError):  # see `write`
                self._tcp.pause_reading()

    def _go_on(self) -> None:
        self._pause = None
        if self._held is not None and self._waits():
            return
        self.data_received(b"")
        if self._pause is None:
            with contextlib.suppress(RuntimeError):
                self._tcp.resume_reading()

    def _told(self, event: Ping | PeerClose | Violation) -> None:
        match event:
            case Ping(payload):
                # Who pings and does not read is owed the newest answer only (RFC 6455, 5.5.3).
                self._pongs = pong_frame(payload) if self.congested else self._pongs + pong_frame(payload)
                if len(self._pongs) > MANY_PONGS:
                    self._answer_pings()
            case PeerClose(code):
                self._answer_pings()
                if not self._closed:
                    self._send(close_frame(code))
                self._end()
                self.lost(CLOSED)
            case Violation() if self._closed:
                self._end()
            case Violation(limit="message") if self._timer is not None:
                self._group.hit("hello")
                too_large = Loss(f"a Hello has at most {self._group.limits.hello} bytes", violation=True)
                self._give_up(TransportCode.BAD_HELLO, too_large)
            case Violation(code, reason, limit):
                self._answer_pings()
                if limit is not None:
                    self._group.hit(limit)
                self._give_up(code, Loss(reason, violation=True))
            case _:
                assert_never(event)

    def _answer_pings(self) -> None:
        pongs, self._pongs = self._pongs, b""
        if pongs and not self._closed:
            self._send(pongs)

    def _no_hello(self) -> None:
        self._group.hit("hello_timeout")
        self.close(Closing(TransportCode.HELLO_TIMEOUT, "no Hello came in time"))

    def _give_up(self, code: int, loss: Loss) -> None:
        """Close it for a reason that its receiver does not know."""
        if not self._closed:
            self._closed = True
            self.loss = loss
            self._shut(code, loss.reason)
            self._receiver.on_lost(self)

    def _shut(self, code: int, reason: str) -> None:
        self._send(close_frame(code, reason))
        if self._reader.over:
            self._end()
        else:
            self._end_in_time()

    def _end(self) -> None:
        """Both have closed, or the peer cannot be understood: end the TCP connection behind what was written."""
        self._end_in_time()
        if self._tcp.can_write_eof():
            # Not `close`: what the peer is still sending would be answered by a reset, which overtakes our Close.
            with contextlib.suppress(RuntimeError):
                self._tcp.write_eof()
        else:
            self._tcp.close()

    def _end_in_time(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(CLOSE_WAIT, self._tcp.abort)

    def _send(self, frame: bytes) -> None:
        with contextlib.suppress(RuntimeError):  # see `write`
            self._tcp.write(frame)
