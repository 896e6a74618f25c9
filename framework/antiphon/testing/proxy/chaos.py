"""Carries a random schedule of faults out on living connections."""

import asyncio
from types import TracebackType
from typing import Self, assert_never

from antiphon.testing.proxy.faults import Direction, Ending
from antiphon.testing.proxy.link import Link
from antiphon.testing.proxy.schedule import Cut, Disturbance, Weights, cuts, disturbances
from antiphon.testing.proxy.switches import Switches
from antiphon.testing.proxy.tasks import Tasks

# How long a cut waits for its bytes before it is made without them.
PATIENCE = 0.25
# Between two looks for a connection worth cutting, when there is none.
PAUSE = 0.005


class Chaos:
    """Cuts and disturbances as two independent random processes, while its context lasts; calm afterwards.

    Each cut takes one connection with open traffic, half of the time by RST; the share `inside` of them
    waits for a few more bytes, which mostly end inside a message. When no connection has open traffic, a
    cut that is due waits for one, and later ones catch up. A disturbance lasts `longest` seconds at most;
    connections that lost bytes in a black hole are cut at its end. Lost responses and repeated POSTs
    strike requests whose path ends in `path`.

    The seed decides what comes when; which connection it hits depends on those that live at the time.
    """

    def __init__(
        self,
        switches: Switches,
        *,
        seed: int,
        cuts_per_second: float,
        inside: float,
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
        ):
            if not 0 <= amount < float("inf"):
                raise ValueError(f"{name} must be a finite number, 0 or more, not {amount}")
        self._switches = switches
        self._seed = seed
        self._cuts_per_second = cuts_per_second
        self._inside = inside
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

    async def _cut_for_ever(self) -> None:
        clock = asyncio.get_running_loop()
        due = clock.time()
        for cut in cuts(self._seed, per_second=self._cuts_per_second, inside=self._inside):
            due += cut.after
            await asyncio.sleep(due - clock.time())
            # No event for this: whether a connection is busy changes with every byte.
            while not (busy := [link for link in self._switches.links if link.busy]):  # noqa: ASYNC110
                await asyncio.sleep(PAUSE)
            await self._strike(busy[int(cut.pick * len(busy))], cut)

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
                await self._swallow(seconds, direction)
            case "refuse_upgrades":
                switches.refuse_upgrades(disturbance.refusal, cut_established=True)
                await asyncio.sleep(seconds)
                switches.allow_upgrades()
            case "lose_response":
                switches.lose_responses(path=self._path)
            case "repeat_post":
                switches.repeat_posts(path=self._path, answer=disturbance.answer, lag=seconds)
            case "offline":
                switches.offline()
                await asyncio.sleep(seconds)
                switches.online()
            case _:
                assert_never(disturbance.kind)

    async def _swallow(self, seconds: float, direction: Direction) -> None:
        self._switches.black_hole(direction)
        await asyncio.sleep(seconds)
        self._switches.release()
        for link in self._switches.links:
            if link.swallowing:
                link.cut(Ending.RESET)
