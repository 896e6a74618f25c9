"""How silence is noticed, and what a ping measures (contract rule 20)."""

from __future__ import annotations

from antiphon.config import Heartbeat as Settings

__all__ = ["Heartbeat"]


class Heartbeat:
    """One side's watch over a transport. The server pings; the client answers and only watches.

    `heard`: when anything at all last came from the peer; whoever receives sets it.
    """

    __slots__ = ("_pings", "_spread", "_watching", "clock_offset", "heard", "next_ping", "round_trip", "settings")

    def __init__(self, settings: Settings, *, pings: bool, spread: float = 0.0) -> None:
        """`spread` between -0.1 and 0.1 keeps ten thousand sessions from pinging in the same second."""
        self.settings = settings
        self._pings = pings
        self._spread = spread
        self._watching = False
        self.heard = 0.0
        self.next_ping = float("inf")
        self.round_trip: float | None = None
        self.clock_offset: float | None = None

    def start(self, now: float, *, watch: bool) -> None:
        """A transport was attached; one that looks after its own life (polls come and go) needs no `watch`."""
        self.heard = now
        self._watching = watch
        self.next_ping = now + self._interval if self._pings and watch else float("inf")

    def stop(self) -> None:
        """No transport: nobody to ping, and silence means nothing."""
        self._watching = False
        self.next_ping = float("inf")

    def ping(self, now: float) -> bool:
        """Whether a Ping is to be sent now; the next one is then planned."""
        if now < self.next_ping:
            return False
        # From the last one on, not from now: whoever counts from ping to ping would see them drift. Unless we stalled.
        next_ping = self.next_ping + self._interval
        self.next_ping = next_ping if next_ping > now else now + self._interval
        return True

    def silent(self, now: float) -> bool:
        """Whether the transport is to be given up."""
        return now >= self.silent_at

    @property
    def silent_at(self) -> float:
        """When the transport is to be given up if nothing is heard before."""
        if not self._watching:
            return float("inf")
        return self.heard + self.settings.interval + self.settings.timeout

    @property
    def due(self) -> float:
        """When to ask again."""
        return min(self.next_ping, self.silent_at)

    def answered(self, sent: float, theirs: float, now: float) -> None:
        """A Pong came: `sent` and `now` on our clock, `theirs` on the peer's, in seconds."""
        self.round_trip = max(0.0, now - sent)
        self.clock_offset = theirs - (sent + now) / 2

    def postpone(self, seconds: float) -> None:
        """Our own process stalled for so long."""
        self.heard += seconds

    @property
    def _interval(self) -> float:
        return self.settings.interval * (1 + self._spread)
