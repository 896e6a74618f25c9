"""What the proxy counts while it runs."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class ProxyStatistics:
    """The counts of one moment.

    A cut counts per connection, and only where traffic was open: an established WebSocket, an HTTP
    exchange that began and was not finished, or plain TCP over which bytes had passed. It fell inside
    a message when the last byte that went through, in either direction, was not the last one of an
    HTTP message or of a WebSocket message. Lost responses are counted by themselves, not as cuts.

    `resets` and `closes` are the cuts by how they ended. `stalls`, `trickles`, `delays`, `black_holes`, `refusals` (of
    upgrades) and `outages` say how often each was switched on; `upgrades_refused` and `connections_refused`, how often
    the latter two struck.
    """

    connections: int = 0
    connections_refused: int = 0
    connections_living: int = 0
    cuts: int = 0
    cuts_inside_message: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    responses_lost: int = 0
    posts_repeated: int = 0
    upgrades_refused: int = 0
    resets: int = 0
    closes: int = 0
    stalls: int = 0
    trickles: int = 0
    delays: int = 0
    black_holes: int = 0
    refusals: int = 0
    outages: int = 0


@dataclass(slots=True)
class Tally:
    """The counts while they grow; one per proxy, written to by all its connections."""

    connections: int = 0
    connections_refused: int = 0
    cuts: int = 0
    cuts_inside_message: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    responses_lost: int = 0
    posts_repeated: int = 0
    upgrades_refused: int = 0
    resets: int = 0
    closes: int = 0
    stalls: int = 0
    trickles: int = 0
    delays: int = 0
    black_holes: int = 0
    refusals: int = 0
    outages: int = 0

    def statistics(self, *, living: int) -> ProxyStatistics:
        return ProxyStatistics(connections_living=living, **asdict(self))
