"""Carries a random schedule of faults out on living connections."""

import asyncio
from types import TracebackType
from typing import Self, assert_never

from antiphon.testing.proxy.faults import Ending
from antiphon.testing.proxy.link import Link
from antiphon.testing.proxy.schedule import Cut, Disturbance, Weights, cuts, disturbances
from antiphon.testing.proxy.switches import Switches
from antiphon.testing.proxy.tasks import Tasks

# How long a cut waits for its bytes before it is made without them.
PATIENCE = 0.25
# So many seconds of cuts that could not be made are made up for.
CATCH_UP = 1.0
# How long a connection has to live to count as settled.
SETTLED = 0.5
# Between two looks for a connection worth cutting, when there is none.
PAUSE = 0.005


class Chaos:
    """Cuts and disturbances as two independent random processes, while its context lasts; calm afterwards.

    Each cut takes one connection with open traffic, half of the time by RST; the share `inside` of them
    waits for a few more bytes, which mostly end inside a message. A cut that is due waits until there is
    such a connection and more than `spare` of them have settled, which takes half a second; later cuts
    catch up on one second. Without `spare`, clients that come back slowly are cut again before they are
    there, and may never recover.

    A disturbance lasts `longest` seconds at most and strikes all connections, but a black hole: that
    swallows one direction of one busy connection, and half of them are not cut until chaos ends, so that
    both ends have to find out by themselves. Lost responses and repeated POSTs strike up to 4 requests
    whose path ends in `path`.

    The seed decides what comes when; which connection it hits depends on those that live at the time.
    """

    def __init__(
        self,
        switches: Switches,
        *,
        seed: int,
        cuts_per_second: float,
        inside: float,
        spare: int,
        disturbances_per_second: float,
        longest: float,
        weights: Weights,
        path: str | None,
    ) -> None:
        if not 0 <= inside <= 1:
            raise ValueError(f"inside is the share of cuts aimed inside a message, between 0 and 1, not {inside}")
        for name, amount in (
            ("cuts_per_second", cuts_per_second),
            ("disturbances_per_second", disturbances_per_second),
            ("longest", longest),
            ("spare", spare),
        ):
            if not 0 <= amount < float("inf"):
                raise ValueError(f"{name} must be a finite number, 0 or more, not {amount}")
        self._switches = switches
        self._seed = seed
        self._cuts_per_second = cuts_per_second
        self._inside = inside
        self._spare = spare
        self._disturbances_per_second = disturbances_per_second
        self._longest = longest
        self._weights = weights
        self._path = path
        self._tasks = Tasks()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def start(self) -> None:
        if self._cuts_per_second:
            self._tasks.spawn(self._cut_for_ever())
        if self._disturbances_per_second:
            self._tasks.spawn(self._disturb_for_ever())

    async def stop(self) -> None:
        await self._tasks.close()
        self._switches.calm()
        for link in self._switches.links:
            if link.swallowing:
                link.cut(Ending.RESET)

    async def _cut_for_ever(self) -> None:
        clock = asyncio.get_running_loop()
        due = clock.time()
        for cut in cuts(self._seed, per_second=self._cuts_per_second, inside=self._inside):
            due = max(due + cut.after, clock.time() - CATCH_UP)
            await asyncio.sleep(due - clock.time())
            # No event for this: whether a connection is busy changes with every byte.
            while not (busy := self._candidates()):  # noqa: ASYNC110
                await asyncio.sleep(PAUSE)
            # Beside: it may wait for its bytes while the next cut is due.
            self._tasks.spawn(self._strike(busy[int(cut.pick * len(busy))], cut))

    def _candidates(self) -> list[Link]:
        busy = [link for link in self._switches.links if link.busy and not link.armed]
        if self._spare:
            latest = asyncio.get_running_loop().time() - SETTLED
            if sum(link.since <= latest for link in busy) <= self._spare:
                return []
        return busy

    async def _strike(self, link: Link, cut: Cut) -> None:
        if cut.inside:
            link.arm(cut.size, cut.direction, cut.ending)
            try:
                async with asyncio.timeout(PATIENCE):
                    await link.over.wait()
            except TimeoutError:
                pass
        link.cut(cut.ending)

    async def _disturb_for_ever(self) -> None:
        for disturbance in disturbances(
            self._seed, per_second=self._disturbances_per_second, longest=self._longest, weights=self._weights
        ):
            await asyncio.sleep(disturbance.after)
            await self._disturb(disturbance)

    async def _disturb(self, disturbance: Disturbance) -> None:
        switches, seconds, direction = self._switches, disturbance.seconds, disturbance.direction
        match disturbance.kind:
            case "stall":
                switches.stall(direction)
                await asyncio.sleep(seconds)
                switches.release()
            case "trickle":
                switches.trickle(direction, interval=0.0)
                await asyncio.sleep(seconds)
                switches.release()
            case "delay":
                switches.delay(seconds, direction)
                await asyncio.sleep(self._longest)
                switches.release()
            case "black_hole":
                await self._swallow(disturbance)
            case "refuse_upgrades":
                switches.refuse_upgrades(disturbance.refusal, cut_established=True)
                await asyncio.sleep(seconds)
                switches.allow_upgrades()
            case "lose_response":
                switches.lose_responses(disturbance.count, path=self._path)
            case "repeat_post":
                switches.repeat_posts(disturbance.count, path=self._path, answer=disturbance.answer, lag=seconds)
            case "offline":
                switches.offline()
                await asyncio.sleep(seconds)
                switches.online()
            case _:
                assert_never(disturbance.kind)

    async def _swallow(self, disturbance: Disturbance) -> None:
        busy = [link for link in self._switches.links if link.busy and not link.swallowing]
        if not busy:
            return
        link = busy[int(disturbance.pick * len(busy))]
        link.swallow(disturbance.direction)
        await asyncio.sleep(disturbance.seconds)
        if not disturbance.silently:
            link.cut(Ending.RESET)
