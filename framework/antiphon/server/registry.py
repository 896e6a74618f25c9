"""Which sessions this node has: found by sid, by the proof of a key, or, once ended, by what is left of them."""

from __future__ import annotations

import hashlib
import hmac
import math
import random
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import NamedTuple

from antiphon.protocol.codec import Codec
from antiphon.protocol.identity import Identity
from antiphon.protocol.packets import Hello, Refuse, Welcome
from antiphon.protocol.server_session import Settings
from antiphon.protocol.session import State
from antiphon.server.census import Census
from antiphon.server.counters import Counters
from antiphon.server.forms import Forms
from antiphon.server.line import Line

__all__ = ["Admission", "Registry"]

# What is left of ended sessions is small, and there is never more of it than this.
TOMBSTONES = 10_000


_ANOTHER = Refuse("principal_changed", "these credentials are another person's than those the session began with")


class Admission(NamedTuple):
    """The answer to a Hello; `line` is None for a Refuse. `fresh`: the session was made by this Hello."""

    answer: Welcome | Refuse
    line: Line | None = None
    fresh: bool = False


class _Tombstone(NamedTuple):
    proof: bytes
    reason: str
    received: int
    until: float
    owner: str | None
    text: str


class Registry:
    """The sessions of one node. It decides who may attach to what: nobody can without the key (rules 1, 13)."""

    def __init__(
        self,
        settings: Settings,
        *,
        new_sid: Callable[[], str],
        open_line: Callable[[str, bytes, Codec, float], Line],
        counters: Counters | None = None,
        random: Callable[[], float] = random.random,
    ) -> None:
        """`open_line(sid, proof, codec, now)` makes a session and the line it stands on. `random`: see Server."""
        self._settings = settings
        self._new_sid = new_sid
        self._open_line = open_line
        self.counters = counters or Counters()
        self.census = Census(settings.limits, self.counters, random)
        self.on_buried: Callable[[], object] | None = None  # called when a session has ended
        self.forms = Forms()
        self._lines: dict[str, Line] = {}
        self._by_proof: dict[bytes, Line] = {}
        self._made: dict[str, tuple[str, int]] = {}
        self._tombstones: OrderedDict[str, _Tombstone] = OrderedDict()

    def __len__(self) -> int:
        return len(self._lines)

    def __contains__(self, sid: str) -> bool:
        return sid in self._lines

    def __iter__(self) -> Iterator[Line]:
        return iter(tuple(self._lines.values()))

    def at(self, sid: str) -> Line | None:
        """The living session of this sid, for those who are trusted with it: a client has to prove its key."""
        return self._lines.get(sid)

    def find(self, sid: str, key: str) -> Line | None:
        """The living session that `key` proves; an unknown sid and a wrong key are one answer."""
        line = self._lines.get(sid)
        if line is None or not hmac.compare_digest(line.session.proof, prove(key)):
            return None
        return line

    def claimed(self, hello: Hello) -> Line | None:
        """The living session that a Hello speaks for: the one it names, or the one that its key has."""
        line = self.find(hello.sid, hello.key) if hello.sid is not None else None
        return line or self._by_proof.get(prove(hello.key))

    def hindrance(self, hello: Hello, address: str, now: float) -> Refuse | None:
        """Why a Hello is not even looked into, whoever says it: so that it costs little, and disturbs no session."""
        line = self.claimed(hello)
        if line is None:
            return self.census.refusal(address, None, now)
        wait = line.too_soon(self._settings.limits.attaches, now)
        if not wait:
            return None
        self.counters.hit("attaches")
        return Refuse("try_later", "this session was attached too often", math.ceil(wait * 1000))

    def crowd(self, address: str, now: float) -> Refuse | None:
        """Why nobody new from there would be let in, if somebody came."""
        return self.census.refusal(address, None, now)

    def of(self, owner: str) -> tuple[Line, ...]:
        """The sessions of one person, attached or not."""
        return self.census.of(owner)

    def attach(
        self,
        hello: Hello,
        codec: Codec,
        now: float,
        *,
        pings: bool = True,
        identity: Identity | None = None,
        address: str = "",
    ) -> Admission:
        """Answer a Hello in one step: resume, repeat a lost answer, make a session, or refuse.

        `identity` is what its credentials have proved. It must be whose session it is (contract rule 17). `address` is
        where it came from: there may be too many sessions for one more, never for one that lives.
        """
        identity = identity or Identity()
        if hello.version != 1:
            return Admission(Refuse("version", f"this server speaks version 1, not {hello.version}; reload the client"))
        proof = prove(hello.key)
        line = self.claimed(hello)
        if line is not None:
            if not line.session.identity.same_as(identity):
                return Admission(_ANOTHER)
            go_on = self._resume if line.session.sid == hello.sid else self._repeat
            admission = go_on(line, hello, codec, now, pings, identity)
            if admission is not None:
                return admission
        return self._make(hello, proof, codec, now, pings, identity, address)

    def _resume(
        self, line: Line, hello: Hello, codec: Codec, now: float, pings: bool, identity: Identity
    ) -> Admission | None:
        session = line.session
        if session.codec.form != codec.form:
            return Admission(Refuse("form", f"this session speaks {session.codec.form}, not {codec.form}"), None)
        if session.state is State.CLOSING:
            session.detach(now)  # nobody hears on the old transport what its goodbye still waits for
        if session.ending is None:
            answer = session.accept(hello, now, pings=pings, identity=identity)
            if session.ending is None:
                return Admission(answer, line if isinstance(answer, Welcome) else None)
        line.finish()
        return None

    def _repeat(
        self, line: Line, hello: Hello, codec: Codec, now: float, pings: bool, identity: Identity
    ) -> Admission | None:
        """A Hello whose Welcome was lost: the same session if nothing came from the client yet, else no ghost of it."""
        session = line.session
        # Who knows our epoch was welcomed once, and may have been handed what this session sent.
        began_anew = hello.sid is None and hello.epoch is not None
        if hello.attempt <= session.attempt:
            return Admission(Refuse("stale", "a newer attach of this client came first", None, session.attempt))
        if began_anew or session.inbox.received or session.codec.form != codec.form or session.state is State.CLOSING:
            session.end("unknown", "its client began another session")
            line.finish()
            return None
        made, arrived = self._what_became(hello, session.proof)
        if made in ("", "unknown") and session.sid in self._made:
            # The tombstone may be gone by now. And a first Hello come late may have made the session, knowing nothing.
            made, arrived = self._made[session.sid] if self._made[session.sid][0] else (made, arrived)
        answer = session.accept(hello, now, pings=pings, made=made, arrived=arrived, identity=identity)
        return Admission(answer, line if isinstance(answer, Welcome) else None, fresh=True)

    def _make(
        self, hello: Hello, proof: bytes, codec: Codec, now: float, pings: bool, identity: Identity, address: str
    ) -> Admission:
        tombstone = self._tombstone(hello, proof)
        if tombstone is not None and tombstone.reason in ("closed", "revoked"):
            # The Close that said so may have been lost. Whoever begins anew is up to the hook.
            return Admission(Refuse(tombstone.reason, tombstone.text))
        if tombstone is not None and tombstone.owner != identity.id:
            # What it still wants to send was said by somebody else.
            return Admission(_ANOTHER)
        refusal = self.census.refusal(address, identity.id, now)
        if refusal is not None:
            return Admission(refusal)
        reason, arrived = self._what_became(hello, proof)
        sid = self._new_sid()
        line = self._open_line(sid, proof, codec, now)
        self.counters.sessions_made += 1
        self._lines[sid] = self._by_proof[proof] = line
        self._made[sid] = (reason, arrived)
        self.census.enter(line, address, identity.id)
        self.forms.enter(codec)
        answer = line.session.accept(hello, now, pings=pings, made=reason, arrived=arrived, identity=identity)
        return Admission(answer, line if isinstance(answer, Welcome) else None, fresh=True)

    def _what_became(self, hello: Hello, proof: bytes) -> tuple[str, int]:
        """Why the session that a Hello names cannot be resumed, and how much of it had been received."""
        if hello.sid is None:
            return "", 0
        if hello.epoch is not None and hello.epoch != self._settings.epoch:
            return "server_restart", 0
        tombstone = self._tombstone(hello, proof)
        if tombstone is None:
            return "unknown", 0
        return tombstone.reason, tombstone.received

    def _tombstone(self, hello: Hello, proof: bytes) -> _Tombstone | None:
        """What is left of the session that a Hello names and can prove."""
        tombstone = self._tombstones.get(hello.sid) if hello.sid is not None else None
        if tombstone is None or not hmac.compare_digest(tombstone.proof, proof):
            return None
        return tombstone

    def bury(self, line: Line, now: float) -> None:
        """A session has ended: forget it, but for why and how far it came, for as long as its client may ask."""
        session = line.session
        if self._lines.pop(session.sid, None) is None:
            return
        if self._by_proof.get(session.proof) is line:
            del self._by_proof[session.proof]
        self._made.pop(session.sid, None)
        self.census.leave(line)
        self.forms.leave(session.codec)
        self.counters.bury(session)
        reason = session.ending.code if session.ending is not None else "unknown"
        until = now + self._settings.resume.window
        text = session.ending.reason if session.ending is not None else ""
        self._tombstones[session.sid] = _Tombstone(
            session.proof, reason, session.inbox.received, until, session.identity.id, text
        )
        self.forget(now)
        if self.on_buried is not None:
            self.on_buried()

    def forget(self, now: float) -> None:
        """Drop the tombstones whose time is over, and the oldest above the bound."""
        while self._tombstones:
            oldest = next(iter(self._tombstones.values()))
            if oldest.until > now:
                if len(self._tombstones) <= TOMBSTONES:
                    return
                self.counters.hit("tombstones")
            self._tombstones.popitem(last=False)


def prove(key: str) -> bytes:
    """What is kept of a key: enough to know it again, nothing to use it."""
    return hashlib.sha256(key.encode()).digest()
