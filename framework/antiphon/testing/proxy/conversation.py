"""What one connection's two ends say to each other in HTTP, and where that is tampered with."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from antiphon.testing.proxy.faults import Ending, Fate, Faults, Refusal
from antiphon.testing.proxy.flow import Flow
from antiphon.testing.proxy.http_stream import RequestStream, ResponseStream
from antiphon.testing.proxy.pieces import Piece, RequestHead, ResponseHead
from antiphon.testing.proxy.repeat import ask_again
from antiphon.testing.proxy.tally import Tally

READ_SIZE = 65_536
LARGEST_REPEATED = 4 << 20
Spawn = Callable[[Coroutine[object, object, None]], None]

STATUS_LINES = {
    Refusal.FORBIDDEN: b"HTTP/1.1 403 Forbidden",
    Refusal.BAD_GATEWAY: b"HTTP/1.1 502 Bad Gateway",
}


@dataclass(slots=True)
class Exchange:
    """One HTTP request whose response has not ended."""

    fate: Fate
    lag: float
    request: bytearray = field(default_factory=bytearray)
    asked: bool = False

    def record(self, piece: Piece) -> None:
        self.asked = piece.ends
        if self.fate in (Fate.REPEATED_BESIDE, Fate.REPEATED_AFTER):
            self.request += piece.content
            if len(self.request) > LARGEST_REPEATED:
                self.fate = Fate.ANSWERED
                self.request.clear()


class Conversation:
    """Reads both sides and fills both flows; `end` ends the whole connection."""

    def __init__(
        self, *, target: tuple[str, int], faults: Faults, tally: Tally, spawn: Spawn, end: Callable[[Ending], None]
    ) -> None:
        self.upgraded = False
        self.ended_by_peer = False
        self._target = target
        self._faults = faults
        self._tally = tally
        self._spawn = spawn
        self._end = end
        self._requests = RequestStream()
        self._responses = ResponseStream()
        self._exchanges: deque[Exchange] = deque()

    @property
    def opaque(self) -> bool:
        return self._requests.opaque or self._responses.opaque

    @property
    def inside_head(self) -> bool:
        return self._requests.inside_head or self._responses.inside_head

    @property
    def waiting(self) -> bool:
        """Whether a request began whose response has not ended."""
        return bool(self._exchanges)

    async def read_requests(self, reader: asyncio.StreamReader, up: Flow, down: Flow) -> None:
        ending = Ending.CLOSE
        try:
            while received := await reader.read(READ_SIZE):
                for piece in self._requests.feed(received):
                    if isinstance(piece.head, RequestHead):
                        refusal = self._faults.refusal
                        if refusal is not None and piece.head.wants_websocket:
                            await self._refuse(refusal, reader, down)
                            break
                        self._begin(piece.head)
                    await self._ask(piece, up)
            for piece in self._requests.finish():
                await up.put(piece)
        except OSError:
            ending = Ending.RESET
        self.ended_by_peer = True
        up.put_end(ending)

    async def read_responses(self, reader: asyncio.StreamReader, up: Flow, down: Flow) -> None:
        ending = Ending.CLOSE
        try:
            while received := await reader.read(READ_SIZE):
                for piece in self._responses.feed(received):
                    await self._answer(piece, up, down)
            for piece in self._responses.finish():
                await self._answer(piece, up, down)
        except OSError:
            ending = Ending.RESET
        self.ended_by_peer = True
        down.put_end(ending)

    async def _refuse(self, refusal: Refusal, reader: asyncio.StreamReader, down: Flow) -> None:
        """Returns when the client has left."""
        self._tally.upgrades_refused += 1
        if refusal is not Refusal.SILENCE:
            head = STATUS_LINES[refusal] + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            await down.put(Piece(head, ends=True))
            down.put_end(Ending.CLOSE)
        while await reader.read(READ_SIZE):
            pass

    def _begin(self, head: RequestHead) -> None:
        fate, lag = Fate.ANSWERED, 0.0
        if not head.wants_websocket:
            fate, lag = self._faults.decide(head.method, head.path)
        self._exchanges.append(Exchange(fate, lag))
        self._responses.expect(head.method)

    async def _ask(self, piece: Piece, up: Flow) -> None:
        exchange = self._exchanges[-1] if self._exchanges else None
        if exchange is None or exchange.asked:
            await up.put(piece)
            return
        exchange.record(piece)
        await up.put(piece)
        if exchange.asked and exchange.fate is Fate.REPEATED_BESIDE:
            # The copy does not end with this connection: a late one is the interesting one.
            self._spawn(self._repeat_beside(bytes(exchange.request), exchange.lag))

    async def _answer(self, piece: Piece, up: Flow, down: Flow) -> None:
        head = piece.head if isinstance(piece.head, ResponseHead) else None
        if head is not None and head.status == 101:
            await self._upgrade(up)
        interim = head is not None and head.status < 200
        if interim or not self._exchanges:
            await down.put(piece)
            return
        exchange = self._exchanges[0]
        if exchange.fate is Fate.REPEATED_AFTER and not exchange.asked:
            # Answered before it was all said: there is no whole request to repeat.
            exchange.fate = Fate.ANSWERED
        if exchange.fate in (Fate.ANSWERED, Fate.REPEATED_BESIDE):
            await down.put(piece)
        if piece.ends:
            if exchange.fate is Fate.RESPONSE_LOST:
                self._tally.responses_lost += 1
                self._end(Ending.RESET)
            elif exchange.fate is Fate.REPEATED_AFTER:
                await self._repeat_after(bytes(exchange.request), down)
            self._exchanges.popleft()

    async def _upgrade(self, up: Flow) -> None:
        self._exchanges.clear()
        if self._responses.opaque:
            self._requests.opaque = True
            return
        self.upgraded = True
        for early in self._requests.upgrade():
            await up.put(early)

    async def _repeat_beside(self, request: bytes, lag: float) -> None:
        await asyncio.sleep(lag)
        with suppress(OSError):
            async with aclosing(ask_again(self._target, request)) as answer:
                async for _thrown_away in answer:
                    pass
            self._tally.posts_repeated += 1

    async def _repeat_after(self, request: bytes, down: Flow) -> None:
        async with aclosing(ask_again(self._target, request)) as answer:
            async for piece in answer:
                await down.put(piece)
        self._tally.posts_repeated += 1
