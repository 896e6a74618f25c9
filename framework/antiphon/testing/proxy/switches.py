"""The verbs by which a test commits faults: they change what all connections read, or strike the living ones."""

from antiphon.testing.proxy.faults import Answer, Charge, Direction, Ending, Fate, Faults, Passage, Refusal
from antiphon.testing.proxy.link import Link
from antiphon.testing.proxy.tally import ProxyStatistics, Tally


class Switches:
    """Every fault holds for connections living and to come, until it is taken back. None of the verbs waits."""

    def __init__(self) -> None:
        self._faults = Faults()
        self._tally = Tally()
        self._links: set[Link] = set()
        self._address: tuple[str, int] = ("127.0.0.1", 0)

    @property
    def links(self) -> list[Link]:
        """The living connections, oldest first."""
        return sorted((link for link in self._links if not link.over.is_set()), key=lambda link: link.number)

    def statistics(self) -> ProxyStatistics:
        return self._tally.statistics(living=len(self.links))

    def target(self, port: int, host: str | None = None) -> None:
        """Send new connections to this server; the living ones stay with the old one."""
        self._address = (host or self._address[0], port)

    def cut(self, ending: Ending = Ending.RESET) -> int:
        """End all living connections now; how many of them had open traffic (and are counted) is returned."""
        return sum(link.cut(ending) for link in self.links)

    def cut_after(self, size: int, direction: Direction = Direction.DOWN, ending: Ending = Ending.RESET) -> int:
        """Cut each living connection once `size` more bytes of one direction went through it; how many is returned."""
        if size < 1:
            raise ValueError(f"cut_after needs at least 1 byte to go, not {size}; to cut now, use cut()")
        if direction is Direction.BOTH:
            raise ValueError("cut_after counts the bytes of one direction: Direction.UP or Direction.DOWN")
        return sum(link.arm(size, direction, ending) for link in self.links)

    def black_hole(self, direction: Direction = Direction.BOTH) -> None:
        """Swallow bytes and endings while connections stay open.

        A connection that lost bytes here stays a black hole even after release(), until it is cut:
        TCP cannot go on behind missing bytes. For a network that only pauses, use stall().
        """
        self._tally.black_holes += 1
        self._turn(direction, Passage.SWALLOW)

    def stall(self, direction: Direction = Direction.BOTH) -> None:
        """Hold bytes back; release() delivers them."""
        self._tally.stalls += 1
        self._turn(direction, Passage.STALL)

    def trickle(self, direction: Direction = Direction.BOTH, *, interval: float = 0.001) -> None:
        """Deliver byte by byte, with so many seconds between them."""
        self._turn(direction, Passage.TRICKLE, interval=_duration("interval", interval))
        self._tally.trickles += 1

    def delay(self, seconds: float, direction: Direction = Direction.BOTH) -> None:
        """Deliver everything so much later; goes together with the other faults, 0 ends it."""
        for gate in self._faults.gates(direction):
            gate.hold(_duration("seconds", seconds))
        self._tally.delays += seconds > 0

    def release(self, direction: Direction = Direction.BOTH) -> None:
        """End black hole, stall, trickle and delay."""
        self._turn(direction, Passage.PASS)
        self.delay(0.0, direction)

    def refuse_upgrades(self, refusal: Refusal = Refusal.FORBIDDEN, *, cut_established: bool = False) -> None:
        """Let no WebSocket through; those already open go on unless `cut_established`."""
        self._faults.refusal = refusal
        self._tally.refusals += 1
        if cut_established:
            for link in self.links:
                if link.upgraded:
                    link.cut(Ending.RESET)

    def allow_upgrades(self) -> None:
        """Let new WebSockets through; those that were met with silence stay so."""
        self._faults.refusal = None

    def lose_responses(self, count: int = 1, *, path: str | None = None) -> None:
        """Let the server answer the next requests (whose path ends so), and cut the client instead of passing it on."""
        self._charge(Charge(fate=Fate.RESPONSE_LOST, left=count, path=path))

    def repeat_posts(
        self, count: int = 1, *, path: str | None = None, answer: Answer = Answer.FIRST, lag: float = 0.0
    ) -> None:
        """Send the next POSTs (whose path ends so) to the server twice, and the client one of the answers.

        `lag` is how many seconds later the copy comes when the client gets the first answer: with some,
        the copy arrives behind requests that the client sent after it. Bodies above 4 MiB are not repeated.
        """
        fate = Fate.REPEATED_BESIDE if answer is Answer.FIRST else Fate.REPEATED_AFTER
        self._charge(Charge(fate=fate, left=count, path=path, lag=_duration("lag", lag)))

    def offline(self) -> None:
        """Cut everything and turn every new connection away with RST, until online()."""
        self._faults.offline = True
        self._tally.outages += 1
        self.cut()

    def online(self) -> None:
        self._faults.offline = False

    def calm(self) -> None:
        """Take all faults back, those not yet struck included."""
        self.release()
        self.allow_upgrades()
        self.online()
        self._faults.charges.clear()

    def _turn(self, direction: Direction, passage: Passage, *, interval: float = 0.0) -> None:
        for gate in self._faults.gates(direction):
            gate.turn(passage, interval=interval)

    def _charge(self, charge: Charge) -> None:
        if charge.left < 1:
            raise ValueError(f"count must be at least 1, not {charge.left}; calm() takes back what has not struck yet")
        self._faults.charges.append(charge)


def _duration(name: str, seconds: float) -> float:
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{name} must be a finite number of seconds, 0 or more, not {seconds}")
    return seconds
