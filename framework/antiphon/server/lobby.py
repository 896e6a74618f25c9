"""Who waits for the authentication hook: one Hello per key, and what its transport says meanwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from antiphon.errors import RemoteProtocolError
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.protocol.codec import Codec
from antiphon.protocol.packets import Hello, Packet, Ping, Pong, Refuse
from antiphon.server.authentication import Authentication, Check, Verdict
from antiphon.server.entrances import Entrance
from antiphon.server.registry import Registry, prove
from antiphon.transports.base import Transport
from antiphon.types import Data

__all__ = ["Lobby"]

# A message with a Ping in it is smaller than this; nobody reads a larger one before it is known who wrote it.
PING_SIZE = 256
# Of two Hellos of one key the newer one counts. The other is not told an attempt: who has a key and nothing else may
# have made it up, and a counter that was raised to the end could never attach again.
ONE_AT_A_TIME = Refuse("try_later", "another attach with this key is being looked into", 1000)


class Lobby:
    """The Hellos that are being looked into. Nothing of their sessions changes before the hook has spoken."""

    def __init__(
        self,
        authentication: Authentication,
        registry: Registry,
        clock: Callable[[], float],
        *,
        decide: Callable[[Hello, Codec, Entrance, Verdict], None],
    ) -> None:
        """`decide(hello, codec, entrance, verdict)` answers a Hello, in one step."""
        self._authentication = authentication
        self._registry = registry
        self._clock = clock
        self._decide = decide
        self._guests: dict[bytes, _Guest] = {}

    def enter(self, hello: Hello, codec: Codec, entrance: Entrance) -> None:
        """Look into a Hello. While that takes its time, the window of its session does not close (rule 13)."""
        proof = prove(hello.key)
        before = self._guests.get(proof)
        if before is not None:
            if hello.attempt <= before.hello.attempt:
                self._decide(hello, codec, entrance, ONE_AT_A_TIME)
                return
            self._guests.pop(proof).give_way()
        line = self._registry.claimed(hello)
        if line is not None:
            line.session.hold()

        def leave() -> None:
            if self._guests.get(proof) is guest:
                del self._guests[proof]
            if line is not None:
                line.session.release(self._clock())

        guest = self._guests[proof] = _Guest(hello, codec, entrance, self._clock, leave=leave, decide=self._decide)
        entrance.wait(guest)
        guest.check = self._authentication.begin(hello.auth, entrance.arrival(), guest.settled)


class _Guest:
    """One Hello whose credentials are being looked into. It is the receiver of its transport until it is answered."""

    def __init__(
        self,
        hello: Hello,
        codec: Codec,
        entrance: Entrance,
        clock: Callable[[], float],
        *,
        leave: Callable[[], None],
        decide: Callable[[Hello, Codec, Entrance, Verdict], None],
    ) -> None:
        self.hello = hello
        self.check: Check | None = None
        self._codec = codec
        self._entrance = entrance
        self._clock = clock
        self._leave = leave
        self._decide = decide
        self._gone = False

    def settled(self, verdict: Verdict) -> None:
        """The hook has spoken: everything is looked at again, and answered, before anything else happens."""
        if self._go():
            self._decide(self.hello, self._codec, self._entrance, verdict)

    def give_way(self) -> None:
        """A newer Hello of the same key came."""
        if self._go():
            self._decide(self.hello, self._codec, self._entrance, ONE_AT_A_TIME)

    def _go(self) -> bool:
        if self._gone:
            return False
        self._gone = True
        if self.check is not None:
            self.check.cancel()
        self._leave()
        return True

    # -- Receiver

    def on_message(self, transport: Transport, message: Data) -> None:
        """Who is not let in yet may ask whether somebody is there, and nothing else: so nothing has to be kept."""
        packets: list[Packet] = []
        if len(message) <= PING_SIZE:
            with contextlib.suppress(RemoteProtocolError):
                packets = self._codec.decode(message).packets
        if len(packets) == 1 and isinstance(packets[0], Ping):
            if not transport.congested:
                pong = self._codec.encode(Pong(packets[0].time, round(self._clock() * 1000)))
                transport.write(self._codec.pack(0, 0, [pong]))
        elif self._go():
            transport.close(Closing(TransportCode.BAD_HELLO, "wait for the answer to your Hello"))

    def on_drained(self, transport: Transport) -> None:
        """Nothing waits to be said."""

    def on_lost(self, transport: Transport) -> None:
        """Whoever said Hello is not there any more."""
        self._go()
