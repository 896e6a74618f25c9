"""Numbered events and calls at a steady pace, the same at either end; the Node clients do it in their own words."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from itertools import count
from typing import Protocol

from antiphon.errors import CallError, OutboxFull
from tests.chaos.history import VALUE, Side

__all__ = [
    "BEAT",
    "CALL_TIMEOUT",
    "ECHO",
    "ENTER",
    "EVENT",
    "EXIT",
    "MAIN",
    "NEWS",
    "PACE",
    "QUESTION",
    "ROOMS",
    "SIDE",
    "Peer",
    "Traffic",
    "answer",
]

# A client stays in the one for good, and comes into the other and leaves it again and again.
MAIN = "/main"
SIDE = "/side"
EVENT = "number"
QUESTION = "question"
# The namespace of pace.py, where calls are echoed and everybody hears the news.
PACE = "/pace"
ECHO = "echo"
NEWS = "news"
# Calls by which a client comes into one of the rooms of MAIN, and leaves it.
ENTER = "enter"
EXIT = "exit"
ROOMS = ("red", "green", "blue", "gold")

# Short enough for a steady stream, long enough that a burst of several leaves in one message.
BEAT = 0.025
# One of so many packets is a call, one of so many is large enough to take several segments of the network.
CALLS = 10
LARGE = 25
# Whoever waits for so many answers says nothing more: on a machine that is too slow for the rate there is less of it,
# and not a backlog that only grows.
UNANSWERED = 20
# Longer than the run, however slow the machine, so that a call's one honest outcome is its value.
CALL_TIMEOUT = 900.0


def answer(number: int) -> int:
    """What the handler of a question returns: told from the question, and from the answer to any other."""
    return 3 * number + 1


class Peer(Protocol):
    """What traffic is sent to: a socket of the server, or a namespace of a client."""

    def emit(self, event: str, number: int, padding: bytes, /) -> Awaitable[None]: ...

    def call(self, event: str, number: int, padding: bytes, /, *, timeout: float) -> Awaitable[object]: ...


class Traffic:
    """Sends to `peer` until `stop`, and writes down in `side` what left on this channel and how calls ended."""

    def __init__(self, side: Side, channel: str, peer: Peer, *, rate: float, seed: str) -> None:
        """`rate` is how many packets a second."""
        self._side = side
        self._channel = channel
        self._peer = peer
        self._rate = rate
        self._dice = random.Random(f"{seed} {channel}")
        self._numbers = count(1)
        self._unanswered = 0
        self._stopped = False

    def stop(self) -> None:
        """Send no more; `run` returns once every call has its outcome."""
        self._stopped = True

    async def run(self) -> None:
        """Send. What does not fit into the outbox is not sent."""
        clock = asyncio.get_running_loop()
        begun, sent = clock.time(), 0
        async with asyncio.TaskGroup() as calls:
            while not self._stopped:
                await asyncio.sleep(BEAT)
                while sent < (clock.time() - begun) * self._rate and not self._stopped:
                    sent += 1
                    if self._unanswered >= UNANSWERED:
                        continue
                    if sent % CALLS == 0:
                        self._unanswered += 1
                        calls.create_task(self._ask())
                    else:
                        await self._say()

    async def _say(self) -> None:
        number = next(self._numbers)
        self._side.say(self._channel, number)
        try:
            # Up to its first wait it is synchronous: the order of `sent` is the order in which packets were queued.
            await self._peer.emit(EVENT, number, self._padding())
        except OutboxFull:
            self._side.refuse(self._channel, number)

    async def _ask(self) -> None:
        try:
            if not self._stopped:  # the task begins a turn later
                await self._answered()
        finally:
            self._unanswered -= 1

    async def _answered(self) -> None:
        side, channel, number = self._side, self._channel, next(self._numbers)
        side.say(channel, number)
        side.calls.append((channel, number))
        try:
            value = await self._peer.call(QUESTION, number, self._padding(), timeout=CALL_TIMEOUT)
        except OutboxFull:
            side.refuse(channel, number)
        except CallError as error:
            side.outcomes.append((channel, number, type(error).__name__))
        else:
            word = VALUE if value == answer(number) else f"another value: {value!r}"
            side.outcomes.append((channel, number, word))

    def _padding(self) -> bytes:
        large = self._dice.randrange(LARGE) == 0
        return bytes(self._dice.randint(2_000, 6_000) if large else self._dice.randint(0, 200))
