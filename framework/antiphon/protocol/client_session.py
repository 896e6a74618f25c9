"""The client's half of a session: it greets, learns whether it was resumed, and keeps the application's wishes.

One object serves the application for as long as it wants, through any number of sessions: when one is lost, what was
under way is reported, what never left is kept, and the next Hello asks for a new one (contract rules 16, 22, 23).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import NamedTuple

from msgspec.structs import replace

from antiphon.config import Heartbeat, Inbox, Limits, Outbox
from antiphon.errors import CallAbandoned, CallNotSent, ConnectionClosed, LocalProtocolError, OutboxFull
from antiphon.protocol import outbox as outboxes
from antiphon.protocol.calls import Outcome, Pending
from antiphon.protocol.closing import Closing, Ending
from antiphon.protocol.codec import Codec
from antiphon.protocol.inbox import Inbox as Receiving
from antiphon.protocol.membership import Member, Membership, Place
from antiphon.protocol.outbox import Entry
from antiphon.protocol.packets import Call, Event, Hello, Join, Joined, Leave, Packet, Refused, Volatile, Welcome
from antiphon.protocol.session import NEVER, Act, Session, State
from antiphon.protocol.volatile import check_volatile
from antiphon.types import Value

__all__ = ["ClientSession", "Loss", "Unconfirmed"]

# So many bytes of joins go with a Hello, which may have 16 KiB; the others follow as packets of their own.
HELLO_JOINS = 12 << 10
# What the mark of a packet that is sent again adds to it, in bytes; it must not make it too large.
MARK = 8
# Replies, cancels and leaves may pass the bound by so many (contract rule 11).
RESERVE = 128


class Unconfirmed(NamedTuple):
    """What was sent and never acked when its session was lost: it may have run. `arrived` is None when unknown."""

    packet: Packet
    arrived: bool | None


class Loss(NamedTuple):
    """A session is lost: why, what is unconfirmed, and after how many seconds to come back (None: not by itself).

    `unsent` is what was given up without ever having left: when a new session will be asked for, only what was for a
    namespace that is not wanted any more. `reason` is a word of DisconnectCode, `detail` for humans.
    """

    reason: str
    unconfirmed: list[Unconfirmed]
    retry_after: float | None
    unsent: list[Packet]
    detail: str = ""


class ClientSession(Session):
    """One client, as it sees itself."""

    def __init__(
        self,
        codec: Codec,
        key: str,
        *,
        outbox: Outbox = Outbox(packets=1024),
        inbox: Inbox = Inbox(packets=1024),
        limits: Limits = Limits(),
        wake: Callable[[], object],
    ) -> None:
        """`key` proves that the session is ours: as secret as a password, and told to nobody but the server."""
        super().__init__(
            codec,
            heartbeat=Heartbeat(),
            inbox=inbox,
            outbox=outbox,
            message=limits.message,
            pings=False,
            wake=wake,
            reserve=RESERVE,
        )
        self.sid: str | None = None
        self.epoch: str | None = None
        self.attempt = 0
        self.members = Membership()
        self.losses: list[Loss] = []
        self.retry_after = 0.0  # when the server wants us back at the earliest; whoever attaches sets it back
        self.expired: list[Entry] = []
        self.oversized: list[Entry] = []  # events that waited for a server which takes less; they are not sent
        self._key = key
        self._limit = limits.message
        self._greeted: tuple[str, ...] = ()
        self._last_call = 0
        self._held_due = NEVER
        self._leftover: list[Packet] = []

    # -- attaching

    @property
    def key(self) -> str:
        """The secret, for the headers of HTTP requests."""
        return self._key

    def greet(self, auth: Value = None) -> Hello:
        """The Hello of a new attach. What it joins counts only if it makes the session."""
        self.attempt += 1
        wanted = self._for_hello()
        self._greeted = tuple(member.namespace for member in wanted)
        return Hello(
            key=self._key,
            attempt=self.attempt,
            epoch=self.epoch,
            sid=self.sid,
            received=self.inbox.received,
            auth=auth,
            joins=tuple((member.namespace, member.auth) for member in wanted),
        )

    def _for_hello(self) -> list[Member]:
        """The namespaces that fit into a Hello, in their order: a larger one would be turned away at every attempt."""
        room, fitting = HELLO_JOINS, []
        for member in self.members.wanted():
            room -= len(self.codec.encode(Join(member.namespace, member.auth)))
            if room < 0:
                break
            fitting.append(member)
        return fitting

    def stale(self, last: int) -> None:
        """The server knows a newer attach than ours: go on above it."""
        self.attempt = max(self.attempt, last)

    def welcomed(self, welcome: Welcome, now: float, *, pings: bool = True) -> bool:
        """The server answered. False: both sides know different things, so the session is lost."""
        if welcome.resumed:
            known = self.outbox.acked <= welcome.received <= self.outbox.numbered
            if welcome.sid != self.sid or not known or welcome.next > self.inbox.received + 1:
                self.forget("mismatch")
                return False
        elif self.sid is not None:
            reason = welcome.reason or "unknown"
            # A server that does not know the session cannot know what of it had arrived.
            arrived = None if reason in ("unknown", "server_restart") else welcome.received
            self._lose(Ending(reason, "", 0.0), arrived=arrived)
            if self.ending is not None:
                return False
        self.sid, self.epoch = welcome.sid, welcome.epoch
        interval, timeout = welcome.heartbeat
        self.heartbeat.settings = Heartbeat(interval=max(interval, 1) / 1000, timeout=max(timeout, 1) / 1000)
        self.outbox.window = Inbox(packets=max(welcome.inbox[0], 1), size=max(welcome.inbox[1], 1))
        self._bound(min(self._limit, welcome.message))
        self.attach(welcome.received if welcome.resumed else 0, now, pings=pings)
        self.tally.resumes += welcome.resumed
        self._catch_up(resumed=welcome.resumed)
        return True

    def forget(self, reason: str) -> None:
        """The session cannot go on: lose it without a word to the server, and ask for a new one next time."""
        self._lose(Ending(reason, "", 0.0))

    def renew(self) -> None:
        """Begin anew after the end: the application asks to connect again."""
        self._change(Act.RENEW)
        self.ending = None
        self._start_anew()

    def _catch_up(self, *, resumed: bool) -> None:
        """What changed about the namespaces since Hello is said now, in front of everything else."""
        if not resumed:
            for namespace in self._greeted:
                member = self.members[namespace]
                if member.place is Place.WANTED:
                    self.members.sent(member)
                else:
                    # It was left while Hello was under way; asked for again, the answer to the Hello comes first.
                    member.answers += 1
                    self.send(Leave(namespace))
        for member in self.members.waiting():
            self._join(member)

    # -- namespaces

    def join(self, namespace: str, auth: Value = None) -> Member:
        """Ask to be let into a namespace, now or with the next Hello. `joined` or `refused` tells how it went."""
        member = self.members.want(namespace, auth)
        if member.place is Place.WANTED and self.state is State.ATTACHED:
            self._join(member)
        return member

    def _join(self, member: Member) -> None:
        self.members.sent(member)
        self.send(Join(member.namespace, member.auth))

    def leave(self, namespace: str) -> list[Entry]:
        """Leave a namespace; returns what waited at its gate and is now certainly not sent."""
        place = self.members[namespace].place
        entries = self._give_back(self.members.left(namespace))
        if place in (Place.JOINING, Place.IN) and self.sid is not None and self.ending is None:
            self.send(Leave(namespace))
        return entries

    def put_out(self, namespace: str) -> list[Entry]:
        """The server put us out of a namespace: see `leave`. While we join it again, that is about the time before.

        A name that was never asked for is remembered nowhere: a server may send any number of them.
        """
        if namespace not in self.members or self.members[namespace].place is Place.JOINING:
            return []
        return self._give_back(self.members.left(namespace))

    def joined(self, namespace: str, socket: str) -> Member | None:
        """The server let us in; None when that is no news, or not wanted any more: then we leave again."""
        member = self.members.joined(namespace, socket)
        if member is None and self.members[namespace].place is Place.OUT and self.ending is None:
            self.send(Leave(namespace))
        return member

    def refused(self, namespace: str) -> list[Entry] | None:
        """The server refused us; returns what is certainly not sent, None when we did not want in any more."""
        found = self.members.refused(namespace)
        return None if found is None else self._give_back(found[1])

    def open(self, namespace: str) -> None:
        """The connect handler of a joined namespace is done: what waited at its gate may go."""
        member = self.members[namespace]
        if member.place is Place.IN and not member.gate:
            for entry in self.members.open(member):
                if len(entry.encoded) <= self.largest + MARK:
                    self._queue(entry)
                else:
                    self._drop_oversized(entry)

    def _drop_oversized(self, entry: Entry) -> None:
        """It was emitted before Welcome said how much this server takes; sent, it would be refused at every attach."""
        entry.withdrawn = True
        if isinstance(entry.packet, Call):
            size = f"a Call of {len(entry.encoded)} bytes is larger than this server takes ({self.largest} bytes)"
            error = CallAbandoned(size) if entry.packet.redelivered else CallNotSent(size)
            self.calls.give_up(entry.packet.id, error)
        else:
            self.oversized.append(entry)

    def clear(self, namespace: str) -> list[Entry]:
        """Drop what waits at the gate of a namespace; returns it."""
        return self._give_back(self.members.clear(namespace))

    def _give_back(self, entries: list[Entry]) -> list[Entry]:
        for entry in entries:
            entry.withdrawn = True
            if isinstance(entry.packet, Call):
                reason = "its namespace was left or refused before it was sent"
                # Sent again from a lost session, it may have run there.
                error = CallAbandoned(reason + " again") if entry.packet.redelivered else CallNotSent(reason)
                self.calls.give_up(entry.packet.id, error)
        return entries

    # -- sending

    def next_call(self) -> int:
        """An id for a call; never used again."""
        self._last_call += 1
        return self._last_call

    def emit(
        self, packet: Event | Call, *, deadline: float | None = None, key: Hashable = None, repeatable: bool = False
    ) -> Entry:
        """Queue an event or call; it waits at the gate while its namespace is not joined.

        `deadline` withdraws it if it has no number by then; `repeatable` sends it again after a lost session, marked
        redelivered. Raises OutboxFull, LocalProtocolError when the namespace was not asked for, and ConnectionClosed
        when the session has ended and was not begun anew.
        """
        if self.ending is not None:
            raise ConnectionClosed(self.ending.code, self.ending.reason)
        member = self.members[packet.namespace]
        if member.place in (Place.OUT, Place.REFUSED):
            raise LocalProtocolError(f"namespace {packet.namespace!r} is not joined; connect to it first")
        entry = self._entry(packet, deadline=deadline, key=key, repeatable=repeatable)
        self._admit(member, entry)
        if member.gate:
            return self._queue(entry)
        self._hold(member, entry)
        return entry

    def emit_call(
        self,
        packet: Call,
        settle: Callable[[Outcome], None],
        deadline: float,
        *,
        repeatable: bool = False,
    ) -> Pending:
        """Queue a call; `settle` is told its one outcome.

        Made while the connect handler runs, it opens the gate: the handler may wait for the answer.
        """
        pending = Pending(packet.id, self.emit(packet, repeatable=repeatable), deadline, settle)
        self.calls.open(pending)
        self.open(packet.namespace)
        self.due = min(self.due, deadline)
        return pending

    def emit_volatile(self, packet: Volatile, now: float) -> bool:
        """Send it if it can leave soon, else drop it; False when it was dropped at once.

        Raises OutboxFull for one that would be dropped always.
        """
        encoded = self.codec.encode(packet)
        check_volatile(encoded)
        return self.members[packet.namespace].gate and self.outbox.add_volatile(encoded, now)

    def _admit(self, member: Member, entry: Entry) -> None:
        held, bounds = self.members, self.outbox.bounds
        packets, size = self.outbox.packets + held.packets, self.outbox.size + held.size
        older = _held(member, entry.key) or self.outbox.unsent(entry.key)
        if older is not None:
            packets, size = packets - 1, size - len(older.encoded)  # it makes room
        if packets >= bounds.packets or size + len(entry.encoded) > bounds.size:
            raise OutboxFull(
                f"{packets} packets ({size} bytes) wait to be sent; the outbox takes {bounds.packets} "
                f"({bounds.size} bytes). Emit less while offline, or give emits a deadline"
            )

    def _hold(self, member: Member, entry: Entry) -> None:
        older = _held(member, entry.key)
        if older is not None:
            self.members.withdraw(older)
        self.members.hold(member, entry)
        if entry.deadline is not None:
            self._held_due = min(self._held_due, entry.deadline)
            self.due = min(self.due, entry.deadline)

    def withdraw(self, entry: Entry) -> bool:
        """See Session.withdraw; the packet may still wait at a gate."""
        if entry.held:
            self.members.withdraw(entry)
            return True
        return super().withdraw(entry)

    def leave_behind(self) -> list[Packet]:
        """What a lost session had received and nobody was handed yet: still to be handled, and not to be answered."""
        leftover, self._leftover = self._leftover, []
        return leftover

    @property
    def waits(self) -> bool:
        """Whether there is something to deliver."""
        return len(self.inbox) > 0

    # -- losing a session

    def _finish(self, ending: Ending) -> None:
        if ending.retry_after is not None and self._goodbye is None:
            self._lose(ending)
            return
        ending = ending._replace(retry_after=None)
        entries = list(self.outbox.entries())
        for member in self.members.wanted():
            entries += self.members.clear(member.namespace)
        self.losses.append(_loss(ending, entries))
        self.sid = None
        self.members.lost()
        self._set_aside()
        super()._finish(ending)

    def _lose(self, ending: Ending, arrived: int | None = None) -> None:
        """What had a number is reported, or sent again if it may be; what had none waits at its gate."""
        if self._goodbye is not None:
            # Our goodbye was said: there is nothing to come back for.
            self.end(*self._goodbye.ending, tell=False)
            return
        if self.state is not State.ENDED:
            self._change(Act.END)
        self._change(Act.RENEW)
        self.retry_after = ending.retry_after or 0.0
        self.members.lost()
        entries = list(self.outbox.entries())
        self.losses.append(_loss(ending, [entry for entry in entries if not self._goes_on(entry)], arrived))
        self._hold_again(
            [self._redelivery(entry) if entry.number else entry for entry in entries if self._goes_on(entry)]
        )
        for pending in self.calls:
            if not pending.entry.held:
                self.calls.drop(pending, f"the session was lost: {ending.code}")
        self.streams.abandon(ConnectionClosed(ending.code, ending.reason))
        self.answering.forget()
        self._start_anew()

    def _goes_on(self, entry: Entry) -> bool:
        """Whether the next session is to carry it."""
        packet = entry.packet
        if not isinstance(packet, Event | Call) or (entry.number is not None and not entry.repeatable):
            return False
        return self.members[packet.namespace].place is Place.WANTED

    def _hold_again(self, entries: list[Entry]) -> None:
        """Put events and calls back at their gates, in front of what waits there."""
        for member in self.members.wanted():
            entries += self.members.clear(member.namespace)
        for entry in entries:
            assert isinstance(entry.packet, Event | Call)
            self._hold(self.members[entry.packet.namespace], entry)

    def _set_aside(self) -> None:
        """The session is over: what was received and not handed over is kept for `leave_behind`."""
        while (packet := self.deliver()) is not None:
            if isinstance(packet, Leave):
                # Who was put out does not come back by itself, not even into the next session.
                self.put_out(packet.namespace)
            elif not isinstance(packet, Joined | Refused):  # the next session asks again
                self._leftover.append(packet)

    def _start_anew(self) -> None:
        """Numbers begin again."""
        self._set_aside()
        dropped, duplicates = self.outbox.dropped, self.inbox.duplicates
        self.outbox = outboxes.Outbox(self.codec, self.outbox.bounds, self._wake, reserve=RESERVE)
        self.inbox = Receiving(self.inbox.bounds, self.outbox.mark)
        self.outbox.unheard, self.inbox.duplicates = dropped, duplicates  # they count as long as the client lives
        self.heartbeat.stop()
        self.sid = None  # and not the epoch: in a Hello without sid it says that this repeats no lost first one
        self._goodbye = None
        self._gap_at = -1
        self.owed.waiting.clear()

    def _redelivery(self, entry: Entry) -> Entry:
        packet = entry.packet
        assert isinstance(packet, Event | Call)
        # Not by `_entry`: the mark must not make it too large, it had its place already.
        packet = replace(packet, redelivered=True)
        again = Entry(packet, self.codec.encode(packet), key=entry.key, repeatable=True)
        for pending in self.calls:
            if pending.entry is entry:
                pending.entry = again
        return again

    # -- time

    def tick(self, now: float) -> Closing | None:
        """See Session.tick; what passed its deadline without a number is in `expired`."""
        closing = super().tick(now)
        queued, due = self.outbox.expire(now)
        held, self._held_due = self.members.expire(now)
        self.expired += queued + held
        self.streams.look()
        self.due = min(self.due, due, self._held_due)
        return closing


def _held(member: Member, key: Hashable) -> Entry | None:
    """The latest value of this key that waits at the gate."""
    return None if key is None else next((held for held in member.held if held.key == key), None)


def _loss(ending: Ending, entries: list[Entry], arrived: int | None = None) -> Loss:
    """The report of a lost session on `entries`, of which it had received those up to `arrived`, if that is known."""
    unconfirmed: list[Unconfirmed] = []
    unsent: list[Packet] = []
    for entry in entries:
        packet, number = entry.packet, entry.number
        if not isinstance(packet, Event | Call):
            continue
        if number is None and not packet.redelivered:
            unsent.append(packet)
            continue
        came = None if number is None or arrived is None else number <= arrived
        # What was to be sent again may have run in the session before: that it did not come in this one says nothing.
        unconfirmed.append(Unconfirmed(packet, None if packet.redelivered and not came else came))
    return Loss(ending.code, unconfirmed, ending.retry_after, unsent, ending.reason)
