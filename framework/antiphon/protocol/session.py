"""A session: what the application sees as one connected peer, whatever happens to the transports underneath.

Pure: it is told the time, bytes come in through `receive`, bytes go out through `take`, and nothing else happens.
All that changes the state is in this table (states.py has it for the machine); what is not in it is refused.

    state      attach     detach     close      end       renew
    FRESH      ATTACHED   -          ENDED      ENDED     -         no transport yet, nothing promised
    ATTACHED   ATTACHED   DETACHED   CLOSING    ENDED     -         one live transport; attach again takes over
    DETACHED   ATTACHED   DETACHED   ENDED      ENDED     -         everything is kept for the window
    CLOSING    CLOSING    ENDED      CLOSING    ENDED     -         a goodbye waits for acks, 2 s at most
    ENDED      -          ENDED      ENDED      ENDED     FRESH     `ending` says why; a client may begin anew
"""

from __future__ import annotations

from collections.abc import Callable

from antiphon.config import Heartbeat as HeartbeatSettings
from antiphon.config import Inbox as InboxBounds
from antiphon.config import Outbox as OutboxBounds
from antiphon.errors import CallError, ConnectionClosed, LocalProtocolError, RemoteProtocolError
from antiphon.protocol.answering import Answering
from antiphon.protocol.calls import Calls, Outcome, Pending
from antiphon.protocol.closing import Closing, Ending, TransportCode
from antiphon.protocol.codec import Codec, Message
from antiphon.protocol.effects import take_effect
from antiphon.protocol.goodbye import Goodbye
from antiphon.protocol.heartbeat import Heartbeat
from antiphon.protocol.inbox import Inbox
from antiphon.protocol.outbox import Entry, Outbox
from antiphon.protocol.owed import Owed, progress
from antiphon.protocol.packets import URGENT, Ack, Call, Cancel, Close, Packet
from antiphon.protocol.sizes import HEAD, largest_packet, too_large
from antiphon.protocol.slowness import Slowness
from antiphon.protocol.states import TRANSITIONS, Act, State
from antiphon.protocol.streams import Streams
from antiphon.protocol.tally import Tally
from antiphon.types import Data, Value

__all__ = ["Act", "Session", "State"]

NEVER = float("inf")


class Session:
    """What both ends have in common; ServerSession and ClientSession add their half of the attach."""

    def __init__(
        self,
        codec: Codec,
        *,
        heartbeat: HeartbeatSettings,
        inbox: InboxBounds,
        outbox: OutboxBounds,
        message: int,
        pings: bool,
        wake: Callable[[], object],
        spread: float = 0.0,
        reserve: int = 0,
    ) -> None:
        """`wake` is called when there is something to `take`; `message` bounds what one message may carry, in bytes."""
        self.codec = codec
        self.state = State.FRESH
        self.ending: Ending | None = None
        self.outbox = Outbox(codec, outbox, wake, reserve=reserve)
        self.inbox = Inbox(inbox, self.outbox.mark)
        self.calls = Calls()
        self.answering = Answering()
        self.streams = Streams(self._crowded)
        self.heartbeat = Heartbeat(heartbeat, pings=pings, spread=spread)
        self.due = NEVER
        self.tally = Tally()
        self._bound(message)
        self._wake = wake
        self.owed = Owed()
        self._gap_at = -1
        self._peer_received = 0
        self.slowness = Slowness()
        self._goodbye: Goodbye | None = None
        self._farewell: Data | None = None
        # Told of a Renew as it arrives: on a server fresh credentials came, on a client they are asked for.
        self.on_renew: Callable[[Value], object] | None = None

    def wake_by(self, wake: Callable[[], object]) -> None:
        """Whom to call when there is something to `take`, when that is known only after the session is."""
        self._wake = wake
        self.outbox.on_dirty = wake

    # -- the state has one door

    def _change(self, act: Act) -> None:
        try:
            self.state = TRANSITIONS[self.state, act]
        except KeyError:
            raise LocalProtocolError(f"a session that is {self.state.name} cannot {act.name.lower()}") from None

    @property
    def attached(self) -> bool:
        """Whether a transport is under the session now."""
        return self.state is State.ATTACHED or self.state is State.CLOSING

    def attach(self, received: int, now: float, *, pings: bool = True) -> None:
        """A transport begins; the peer has received everything up to `received`. `pings`: see Transport.pings."""
        self._change(Act.ATTACH)
        self.tally.attached(now)
        self.slowness.forget()
        self._farewell = None
        self.owed.waiting.clear()
        # The last ack may have been lost with the old transport, and the peer's window may be waiting for it.
        self.inbox.told = 0
        self._peer_received = received
        self.outbox.rewind(received)
        self.heartbeat.start(now, watch=pings)
        self.due = now
        self.outbox.mark()

    def detach(self, now: float) -> None:
        """The transport is gone; everything is kept, but for what is volatile."""
        closing = self.state is State.CLOSING
        self._change(Act.DETACH)
        self.tally.changed = now
        self.outbox.drop_volatile()
        self.heartbeat.stop()
        self.slowness.forget()
        self.due = now
        if closing and self._goodbye is not None:
            self._finish(self._goodbye.ending)

    def close(self, now: float, code: str = "closed", reason: str = "", retry_after: float | None = None) -> None:
        """Say goodbye: once everything is acked, after 2 s at most, the session ends for both."""
        if self.state in (State.CLOSING, State.ENDED):
            return
        ending = Ending(code, reason, retry_after)
        waits_for_acks = self.state is State.ATTACHED
        self._change(Act.CLOSE)
        if not waits_for_acks:
            self._finish(ending)
            return
        self._goodbye = Goodbye(ending, now)
        self.streams.stop(ConnectionClosed(code, reason))
        self._ask_for_acks(now)

    def _ask_for_acks(self, now: float) -> None:
        """A Ping brings back an ack with its Pong; otherwise a goodbye would wait for the 5 s that an ack may take."""
        if self._goodbye is not None and self._goodbye.asks(now):
            if self.codec.acks:
                self.owed.ping(now)
            self.due = now
            self.outbox.mark()

    def end(self, code: str, reason: str = "", retry_after: float | None = None, *, tell: bool = True) -> None:
        """End it now. An attached peer is told by a Close in the last message that `take` returns."""
        if self.state is State.ENDED:
            return
        ending = Ending(code, reason, retry_after)
        if self.attached and tell:
            self._farewell = self._last_message(ending)
            self._wake()
        self._change(Act.END)
        self._finish(ending)

    def _last_message(self, ending: Ending) -> Data:
        """The last message of a session: what is acked, and why it ends."""
        wait = None if ending.retry_after is None else round(ending.retry_after * 1000)
        parts = [self.codec.encode(self.progress()), self.codec.encode(Close(ending.code, ending.reason, wait))]
        return self.codec.pack(self.outbox.cursor, 0, parts)

    def _finish(self, ending: Ending) -> None:
        self.ending = ending
        self.due = NEVER
        self._goodbye = None
        self.heartbeat.stop()
        self._abandon(ending)
        self.outbox.close()

    def _abandon(self, ending: Ending) -> None:
        """Nothing that was under way between the two can come to its end."""
        self.calls.abandon(f"the session ended: {ending.code}")
        self.streams.abandon(ConnectionClosed(ending.code, ending.reason))
        self.answering.forget()

    # -- sending

    def _bound(self, message: int) -> None:
        """Messages may have so many bytes, and therefore one packet."""
        self._message = message
        self.largest = largest_packet(self.outbox.bounds, message)

    def send(self, packet: Packet, *, deadline: float | None = None, key: object = None) -> Entry:
        """Queue one packet for this peer.

        Raises OutboxFull when the packet alone is too large, and ConnectionClosed when the session has ended.
        """
        return self._queue(self._entry(packet, deadline=deadline, key=key))

    def call(
        self, packet: Call, settle: Callable[[Outcome], None], deadline: float, entry: Entry | None = None
    ) -> Pending:
        """Queue a call; `settle` is told its one outcome. `deadline` is a point in time; `entry` has shared bytes."""
        pending = Pending(packet.id, self._queue(entry or self._entry(packet)), deadline, settle)
        self.calls.open(pending)
        self.due = min(self.due, deadline)
        return pending

    def _entry(
        self, packet: Packet, *, deadline: float | None = None, key: object = None, repeatable: bool = False
    ) -> Entry:
        encoded = self.codec.encode(packet)
        if len(encoded) > self.largest:
            self.tally.hit("packet")
            raise too_large(f"a {type(packet).__name__}", len(encoded), self.largest)
        return Entry(packet, encoded, deadline=deadline, key=key, repeatable=repeatable)

    def _queue(self, entry: Entry) -> Entry:
        if self.ending is not None:
            raise ConnectionClosed(self.ending.code, self.ending.reason)
        if type(entry.packet) in URGENT:
            self.outbox.add_urgent(entry)
        else:
            self.outbox.add(entry)
        if entry.deadline is not None:
            self.due = min(self.due, entry.deadline)
        return entry

    def take(self, now: float, *, single: bool = False) -> list[Data]:
        """Number what may leave, keep it for replay, and return the messages to write (one at most, if `single`).

        Answers that we owe (Pong, Ack) come first. While no transport is attached nothing is returned, but for the
        Close of a session that we ended ourselves. Call it only while the transport is not congested: what waits
        here can still be replaced or dropped.
        """
        outbox = self.outbox
        outbox.dirty = False
        if outbox.overflowed:
            self._check_overflow()
        if self.state is not State.ATTACHED and self.state is not State.CLOSING:
            return self._last_words()
        if self.slowness.due != NEVER:
            self.slowness.look(outbox, now)
        said_all = self._goodbye is not None and outbox.idle
        if said_all:
            # The goodbye says what is acked, and asks for nothing. Where one message leaves at a time, another Ping
            # would stand in its way whenever a round trip takes longer than the time between two of them.
            self.owed.waiting.clear()
        inbox = self.inbox
        owed: list[bytes] = []
        if not said_all and (self.owed.waiting or inbox.handed > inbox.told or inbox.pressed):
            owed = self.owed.take(self.codec, inbox, now)
        messages, more = list[Data](), True
        while more:
            number, counted, parts, more = outbox.run(now, self._message - HEAD - sum(map(len, owed)))
            if owed:
                parts, owed = owed + parts, []
            if parts and (message := self.codec.pack(number, counted, parts)):
                messages.append(message)
            if single and messages:
                break
        if not self.codec.acks and outbox.unacked:
            self.acked(outbox.numbered, None, now)  # what the window held back leaves in the next turn
        if said_all and self._goodbye is not None:
            if single and messages:
                outbox.mark()  # the Close is a message of its own
            else:
                self.end(*self._goodbye.ending)
                messages += self._last_words()
        return messages

    def _crowded(self) -> bool:
        """Whether streams should wait. Not for ever: what fills the outbox may wait for an item of one of them."""
        return self.outbox.above(0.5) and self.outbox.urging

    def _check_overflow(self) -> None:
        if self.outbox.overflowed and self.ending is None:
            self.end("overflow", "the peer did not take what was sent to it", retry_after=1.0)

    def progress(self) -> Ack:
        """What we tell the peer of how far we are."""
        return progress(self.inbox)

    def _last_words(self) -> list[Data]:
        if self._farewell is None:
            return []
        farewell, self._farewell = self._farewell, None
        return [farewell]

    # -- receiving

    def receive(self, data: Data, now: float, *, volatile: bool = True) -> Closing | None:
        """Take in one message; what it holds for the application waits for `deliver`.

        Returns how the transport is to be closed, if it is. `volatile=False` drops volatile packets: the message may
        be an old one come late (contract rule 18).
        """
        if self.state is not State.ATTACHED and self.state is not State.CLOSING:
            return None
        self.heartbeat.heard = now
        try:
            message = self.codec.decode(data)
        except RemoteProtocolError as error:
            return self.violated(error.code, error.message)
        inbox, size = self.inbox, message.weight or len(data)
        if message.number > inbox.received + 1:
            return self._gap(message)
        for packet in inbox.accept(message, size, now, volatile=volatile):
            closing = take_effect(self, packet, now, size, len(message.packets))
            if closing is not None:
                return closing
        if inbox.flooded:
            return self.violated("flood", "more events than the window allows were sent before they were acked")
        if inbox.due < self.due:
            self.due = inbox.due
        return None

    def deliver(self) -> Packet | None:
        """Hand over the next packet for the application, in order, from now on acked; None when nothing waits."""
        return self.inbox.hand_over()

    def poll(self, data: Data, now: float) -> Closing | None:
        """Take in what came with a poll: its answer begins behind what the client has received (contract rule 18)."""
        closing = self.receive(data, now)
        if closing is None and self.attached:
            self.outbox.rewind(self._peer_received)
        return closing

    def _gap(self, message: Message) -> Closing:
        self.tally.gaps += 1
        expected = self.inbox.received + 1
        if self._gap_at == expected:
            return self.violated("protocol", f"a second gap: expected number {expected}, got {message.number}")
        self._gap_at = expected
        return Closing(TransportCode.GAP, f"expected number {expected}, got {message.number}")

    def acked(self, handed: int, received: int | None, now: float) -> Closing | None:
        """The peer says what it was handed, and how much more than that it has received."""
        top = self.outbox.numbered
        if handed > top or (received is not None and not handed <= received <= top):
            above = max(handed, received or 0)
            return self.violated("protocol", f"acked up to {above}, but only {top} were sent")
        self.outbox.ack(handed)
        if received is not None:
            self.outbox.arrived(received)
        self.streams.look()
        if self.slowness.due != NEVER:
            self.slowness.look(self.outbox, now)
        if self._goodbye is not None:
            self.outbox.mark()  # it may have been what the goodbye waits for
        self._peer_received = handed if received is None else received
        return None

    def violated(self, code: str, reason: str) -> Closing:
        """The peer broke the contract: only a new session can help, or the same bytes would come for ever."""
        self.end(code, reason, retry_after=1.0)
        return Closing(TransportCode.PROTOCOL, code)

    # -- time

    def stalled(self, now: float) -> None:
        """The transport is congested although something waits: watch how long the outbox stays nearly full."""
        self.outbox.dirty = False
        self._check_overflow()
        self.slowness.look(self.outbox, now)
        self.due = min(self.due, self.slowness.due)

    def tick(self, now: float) -> Closing | None:
        """Let time pass; call it when `due` has come. Returns how the transport is to be closed, if it is."""
        if self.state is State.ENDED:
            self.due = NEVER
            return None
        for pending in self.calls.expire(now):
            self._call_expired(pending)
        self.answering.expire(now)
        closing = self._watch(now) if self.attached else None
        if self._goodbye is not None and self._goodbye.over(now):
            self.end(*self._goodbye.ending)
        else:
            self._ask_for_acks(now)
        self.due = self._next_due(now)
        return closing

    def _watch(self, now: float) -> Closing | None:
        if self.heartbeat.silent(now):
            return Closing(TransportCode.SILENT, "nothing was heard for too long")
        if self.heartbeat.ping(now):
            self.owed.ping(now)
            self.outbox.mark()
        if self.inbox.handed > self.inbox.told and now >= self.inbox.due:
            self.outbox.mark()
        if now >= self.slowness.due:
            return Closing(TransportCode.SLOW, "the outbox stayed nearly full")
        return None

    def _call_expired(self, pending: Pending) -> None:
        if not self.withdraw(pending.entry) and self.ending is None:
            self.send(Cancel(pending.id))

    def begin_answer(self, call: int, deadline: float, cancel: Callable[[], object]) -> bool:
        """A handler is to run for a call of the peer; see Answering.begin."""
        self.due = min(self.due, deadline)
        return self.answering.begin(call, deadline, cancel)

    def cancel(self, pending: Pending) -> None:
        """The caller does not wait any more: a call that has left is followed by a Cancel."""
        if self.calls.give_up(pending.id, CallError("cancelled by its caller")) is not None:
            self._call_expired(pending)

    def withdraw(self, entry: Entry) -> bool:
        """Take back a packet that has no number yet; False when it has, and is therefore sent for sure."""
        withdrawn = entry.withdrawn or self.outbox.withdraw(entry)
        self.streams.look()
        return withdrawn

    def _next_due(self, now: float) -> float:
        if self.state is State.ENDED:
            return NEVER
        due = min(self.calls.due, self.answering.due)
        if self.attached:
            due = min(due, self.heartbeat.due, self.slowness.due)
            # An ack that is late because nothing was handed over yet is looked after once a second.
            due = min(due, self.inbox.due if self.inbox.due > now else now + 1.0)
        if self._goodbye is not None:
            due = min(due, self._goodbye.due)
        return due

    def postpone(self, seconds: float) -> None:
        """Our own process stalled for so long: nobody else is to pay for it (contract rule 20)."""
        self.heartbeat.postpone(seconds)
        self.calls.postpone(seconds)
        self.answering.postpone(seconds)
        self.slowness.due += seconds
        if self._goodbye is not None:
            self._goodbye.postpone(seconds)
