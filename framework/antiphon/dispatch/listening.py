"""Events read in a loop instead of by a handler: `async for who, text in chat.events("said")`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from antiphon.dispatch.loops import Loop

__all__ = ["EventIterator", "Listening"]

# So many events wait for their reader. Behind them the session's others wait too, unacked, and the peer holds back.
MOST = 256


class EventIterator(Loop[tuple[Any, ...]]):
    """Events of one name as they come, each as the tuple of what it carries.

    It listens from the moment in which it is made. Leaving the loop unsubscribes, at the latest by letting go of the
    iterator; `async with` says where. The loop ends when the socket is gone.
    """

    def __init__(self, unsubscribe: Callable[[], None], step_aside: Callable[[], None]) -> None:
        """`step_aside`: whoever waits here may be what keeps events from being delivered."""
        mailbox = self.mailbox = _Mailbox(unsubscribe)
        super().__init__(mailbox.leave)
        self._step_aside = step_aside

    async def __anext__(self) -> tuple[Any, ...]:
        mailbox = self.mailbox
        while not mailbox.waiting:
            if mailbox.closed:
                raise StopAsyncIteration
            self._step_aside()
            await mailbox.changed()
        return mailbox.pop()


class _Mailbox:
    """What waits for one reader. Apart from the iterator, which nobody but its reader may keep alive."""

    __slots__ = ("_changed", "_unsubscribe", "closed", "waiting")

    def __init__(self, unsubscribe: Callable[[], None]) -> None:
        self.waiting: deque[tuple[Any, ...]] = deque()
        self.closed = False
        self._unsubscribe = unsubscribe
        self._changed = asyncio.Event()

    async def changed(self) -> None:
        """Wait until something has come, gone or ended."""
        self._changed.clear()
        await self._changed.wait()

    async def put(self, event: tuple[Any, ...]) -> None:
        """An event came; waits while too many do."""
        while len(self.waiting) >= MOST and not self.closed:
            await self.changed()
        if not self.closed:
            self.waiting.append(event)
            self._changed.set()

    def pop(self) -> tuple[Any, ...]:
        """The reader takes the next one."""
        self._changed.set()
        return self.waiting.popleft()

    def end(self) -> None:
        """Nothing more comes; what waits can still be read."""
        self.closed = True
        self._changed.set()

    def leave(self) -> None:
        """The reader has gone."""
        self.waiting.clear()
        if not self.closed:
            self.end()
            self._unsubscribe()


class Listening:
    """The loops that read events of one socket, by the name of the event."""

    __slots__ = ("_mailboxes", "_step_aside")

    def __init__(self, step_aside: Callable[[], None]) -> None:
        self._mailboxes: dict[str, list[_Mailbox]] = {}
        self._step_aside = step_aside

    def __bool__(self) -> bool:
        return bool(self._mailboxes)

    def events(self, name: str) -> EventIterator:
        """Begin to listen to one event."""
        iterator = EventIterator(lambda: self._remove(name, mailbox), self._step_aside)
        mailbox = iterator.mailbox
        self._mailboxes.setdefault(name, []).append(mailbox)
        return iterator

    async def put(self, name: str, args: Sequence[Any]) -> bool:
        """Give an event to all who listen to it; False when nobody does."""
        mailboxes = tuple(self._mailboxes.get(name, ()))
        for mailbox in mailboxes:
            await mailbox.put(tuple(args))
        return bool(mailboxes)

    def end(self) -> None:
        """The socket is gone: every loop ends behind what it has not read yet."""
        for mailboxes in self._mailboxes.values():
            for mailbox in mailboxes:
                mailbox.end()
        self._mailboxes.clear()

    def _remove(self, name: str, mailbox: _Mailbox) -> None:
        mailboxes = self._mailboxes.get(name, [])
        if mailbox in mailboxes:
            mailboxes.remove(mailbox)
            if not mailboxes:
                del self._mailboxes[name]
