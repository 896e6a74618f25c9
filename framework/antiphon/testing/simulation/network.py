"""The hostile network between one client and one server: what it does to streams and requests, and when it stops."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from antiphon.client.requests import HttpRequest
from antiphon.testing.simulation.exchanges import Exchange, Fate, Reply
from antiphon.testing.simulation.streams import Close, Stream, StreamEnd
from antiphon.testing.simulation.virtual_time import VirtualTime
from antiphon.types import Data

__all__ = ["Network", "ServerSide", "Weather"]

# Of requests that the network doubles, the second copy comes at the latest after so many seconds.
LATEST = 45.0


class Weather:
    """How the network is at the moment. A calm one loses nothing and is quick."""

    def __init__(self) -> None:
        self.latency = 0.02
        # Or refused, silent, deaf (nothing gets up), mute (nothing gets down), fickle (one message gets down).
        self.websocket = "open"
        # Or refused, or mute: a proxy keeps back what comes down.
        self.events = "open"
        self.down = False
        self.losing = 0.0
        self.losing_answers = 0.0
        self.doubling = 0.0


class EventsEnd(StreamEnd, Protocol):
    """Who asked for a stream of events."""

    def opened(self, stream: Stream) -> None:
        """The request arrived."""
        ...


class _Nobody:
    """Who reads the answer to a request that the network has doubled."""

    def opened(self, stream: Stream) -> None: ...

    def arrived(self, item: Data | Close) -> None: ...

    def taken(self, size: int) -> None: ...

    def broken(self) -> None: ...


class ServerSide(Protocol):
    """Where requests and streams arrive."""

    def accept(self, stream: Stream) -> StreamEnd:
        """A WebSocket opens."""
        ...

    def accept_events(self, stream: Stream, request: HttpRequest, form: str) -> StreamEnd:
        """A request came whose answer is a stream of events."""
        ...

    def serve(self, exchange: Exchange) -> None:
        """A request came; it is answered by `exchange.answered`."""
        ...


class Network:
    """Everything between the two programs."""

    def __init__(self, time: VirtualTime, random: Random) -> None:
        self.weather = Weather()
        self.server: ServerSide
        self.streams: list[Stream] = []
        self.exchanges: list[Exchange] = []
        self.requests = 0
        self.cuts = 0
        self.lost = 0
        self._time = time
        self._random = random

    # -- what the client does

    def open_stream(self, end: StreamEnd, opened: Callable[[Stream], None]) -> None:
        """Open a WebSocket: `opened` is called with it, or `end.broken`, or nothing ever happens."""
        self.requests += 1
        weather = self.weather
        if weather.down or weather.websocket == "refused":
            self._time.after(self._latency(), end.broken)
        elif weather.websocket != "silent":
            self._time.after(self._latency(), lambda: self._accept(end, opened))

    def _accept(self, end: StreamEnd, opened: Callable[[Stream], None]) -> None:
        stream = Stream(self._time, self._latency)
        stream.up.black = self.weather.websocket == "deaf"
        stream.down.black = self.weather.websocket == "mute"
        stream.down.black_after = 1 if self.weather.websocket == "fickle" else None
        stream.join(end, self.server.accept(stream))
        self.streams = [old for old in self.streams if not old.over]
        self.streams.append(stream)
        self._time.after(self._latency(), lambda: opened(stream))

    def open_events(self, end: EventsEnd, request: HttpRequest, form: str) -> None:
        """Make a request whose answer is a stream: its messages come to `end`, or it is broken, or nothing happens."""
        self.requests += 1
        weather, fate = self.weather, self._fate()
        if weather.events == "refused" or fate is Fate.REQUEST_LOST:
            if self._random.random() < 0.8:
                self._time.after(self._latency(), end.broken)
            return
        black = weather.events == "mute" or fate is Fate.ANSWER_LOST
        self._time.after(self._latency(), lambda: self._accept_events(end, request, form, black))
        if fate is Fate.DOUBLED:
            late = LATEST * self._random.random() ** 3
            self._time.after(late, lambda: self._accept_events(_Nobody(), request, form, False))

    def _accept_events(self, end: EventsEnd, request: HttpRequest, form: str, black: bool) -> None:
        stream = Stream(self._time, self._latency)
        stream.down.black = black
        stream.join(end, self.server.accept_events(stream, request, form))
        self.streams = [old for old in self.streams if not old.over]
        self.streams.append(stream)
        end.opened(stream)

    def post(self, request: HttpRequest, form: str, end: Callable[[Reply | None], None]) -> Exchange:
        """Make a request."""
        self.requests += 1
        random = self._random
        exchange = Exchange(
            self._time,
            request,
            form,
            fate=self._fate(),
            latency=self._latency,
            late=LATEST * random.random() ** 3,
            tells=None if random.random() < 0.2 else self._latency(),
            serve=self._serve,
            end=end,
        )
        self.exchanges = [old for old in self.exchanges if not old.over]
        self.exchanges.append(exchange)
        return exchange

    def _serve(self, exchange: Exchange) -> None:
        self.server.serve(exchange)

    def _fate(self) -> Fate:
        weather = self.weather
        chance = self._random.random()
        if weather.down or chance < weather.losing:
            return Fate.REQUEST_LOST
        chance -= weather.losing
        if chance < weather.losing_answers:
            return Fate.ANSWER_LOST
        return Fate.DOUBLED if chance - weather.losing_answers < weather.doubling else Fate.FINE

    def _latency(self) -> float:
        return self.weather.latency * (0.5 + self._random.random())

    # -- what befalls it

    def calm(self) -> None:
        """No new faults from here on. What is broken stays broken: finding that out is the ends' affair."""
        self.weather = Weather()
        for stream in self.streams:
            stream.up.jam(False)
            stream.down.jam(False)

    def cut(self, which: int, *, tell_client: bool, tell_server: bool) -> None:
        """Cut a stream or an exchange anywhere, also inside a message."""
        living = [stream for stream in self.streams if not stream.over]
        open_exchanges = [exchange for exchange in self.exchanges if not exchange.over]
        if not living and not open_exchanges:
            return
        self.cuts += 1
        place = which % (len(living) + len(open_exchanges))
        if place < len(living):
            self.sever(living[place], tell_client=tell_client, tell_server=tell_server)
        else:
            open_exchanges[place - len(living)].cut()

    def sever(self, stream: Stream, *, tell_client: bool, tell_server: bool) -> None:
        """Cut one stream: each direction loses a tail of what is on its way."""
        random = self._random
        self.lost += stream.sever(
            random.randint(0, stream.up.flying),
            random.randint(0, stream.down.flying),
            self._latency() if tell_client else None,
            self._latency() if tell_server else None,
        )

    def sever_all(self, *, tell_client: bool, tell_server: bool) -> None:
        """Cut every stream."""
        for stream in self.streams:
            if not stream.over:
                self.sever(stream, tell_client=tell_client, tell_server=tell_server)

    @property
    def swallowed(self) -> bool:
        """Whether a fickle stream has begun to swallow what comes down."""
        return any(stream.down.black_after == 0 and stream.down.black for stream in self.streams)

    def stream(self, which: int) -> Stream | None:
        """One of the living streams."""
        living = [stream for stream in self.streams if not stream.over]
        return living[which % len(living)] if living else None
