"""Where a Hello comes in: on a transport that is open already, or by a request that is answered like a first poll."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.identity import Identity
from antiphon.protocol.packets import Hello, Refuse
from antiphon.server.authentication import Arrival, arrival
from antiphon.server.line import Line
from antiphon.transports.base import Receiver, Transport
from antiphon.transports.longpoll import LongPollTransport, PollPort
from antiphon.types import NOTHING, Data

__all__ = ["ByRequest", "Entrance", "OnTransport"]


class Entrance(Protocol):
    """One Hello's way in. `pings`: see Transport; `address` is the peer's: wrong keys are throttled by it."""

    pings: bool
    address: str

    def arrival(self) -> Arrival:
        """What an authentication hook is told of it."""
        ...

    def wait(self, receiver: Receiver) -> None:
        """It is not known yet who comes: until then `receiver` is told what the transport brings."""
        ...

    def settled(self, hello: Hello, identity: Identity) -> Hello:
        """The Hello as it is to be answered, in this step: it is known now who comes."""
        ...

    def let_in(self, line: Line) -> Transport:
        """The transport that is to carry the session of `line`; its answer is written to it next."""
        ...

    def turn_away(self, refusal: Refuse, message: Data) -> None:
        """Nobody is attached: say why, `message` being the refusal in the form of its Hello."""
        ...


class OnTransport:
    """A Hello on a WebSocket, or as the request of an event stream."""

    def __init__(self, transport: Transport) -> None:
        self.pings = transport.pings
        self.address = transport.address
        self._transport = transport

    def arrival(self) -> Arrival:
        """See Entrance.arrival."""
        return arrival(self.address, self._transport.headers, self._transport.name)

    def wait(self, receiver: Receiver) -> None:
        """See Entrance.wait."""
        self._transport.receiver = receiver

    def settled(self, hello: Hello, identity: Identity) -> Hello:
        """See Entrance.settled."""
        return hello

    def let_in(self, line: Line) -> Transport:
        """See Entrance.let_in."""
        self._transport.receiver = line
        return self._transport

    def turn_away(self, refusal: Refuse, message: Data) -> None:
        """See Entrance.turn_away."""
        self._transport.write(message)
        self._transport.close(Closing(TransportCode.REFUSED, refusal.code))


class ByRequest:
    """POST attach: the transport is every poll and push that follows with the same attempt."""

    pings = LongPollTransport.pings

    def __init__(
        self, port: PollPort, address: str, clock: Callable[[], float], headers: Mapping[str, str] = NOTHING
    ) -> None:
        self.address = address
        self._headers = headers
        self._port = port
        self._clock = clock

    def arrival(self) -> Arrival:
        """See Entrance.arrival."""
        return arrival(self.address, self._headers, LongPollTransport.name)

    def wait(self, receiver: Receiver) -> None:
        """See Entrance.wait: a request says nothing more."""

    def settled(self, hello: Hello, identity: Identity) -> Hello:
        """See Entrance.settled."""
        return hello

    def let_in(self, line: Line) -> Transport:
        """See Entrance.let_in."""
        now = self._clock()
        transport = LongPollTransport(line, now)
        transport.hold(self._port, now)
        return transport

    def turn_away(self, refusal: Refuse, message: Data) -> None:
        """See Entrance.turn_away."""
        self._port.answer(message)
