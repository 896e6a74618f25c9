"""Where the client of one session stands in each namespace, as far as this wire has said it.

    state     asked    admitted   refused   left    put out   cut
    OUT       ASKED    -          -         -       -         -        not asked for
    ASKED     ASKED    IN         OUT       -       -         CUT      not answered yet
    IN        ASKED    -          -         OUT     PUT_OUT   CUT      it may say things there
    PUT_OUT   ASKED    -          -         OUT     -         OUT      it may not know yet: what it says is dropped
    CUT       ASKED    IN         OUT       -       OUT       CUT      it came by another transport, and has not asked

What the table has no word for is a violation of the client's, or does not happen. Who asks while it is asked for is
answered once, and who is in leaves first: clients ask twice by themselves when an application connects, disconnects and
connects again before the first answer, as pages do that mount everything twice.
"""

from __future__ import annotations

from enum import Enum, auto

from antiphon.config import Limits
from antiphon.errors import RemoteProtocolError

__all__ = ["Member", "Members"]

# So many more may be asked for at one time than anybody may be in: the answer to those is a refusal. And so many are
# remembered that the client was put out of: what it still says there was said before it knew.
MORE = 16


class Member(Enum):
    """Where a client stands with one namespace; OUT is not to be there at all."""

    ASKED = auto()
    IN = auto()
    PUT_OUT = auto()
    CUT = auto()


class Members:
    """The namespaces of one session. `sockets`: the ids of its sockets there.

    `stays`: for where it is, or wants to be, the number of that CONNECT; `asked`: how many there were. So a later stay
    has a higher number, and nothing is kept of a namespace that the client is not in.
    """

    __slots__ = ("_limits", "_looked", "_members", "_stale", "asked", "sockets", "stays")

    def __init__(self, limits: Limits) -> None:
        self.sockets: dict[str, str] = {}
        self.stays: dict[str, int] = {}
        self.asked = 0
        self._limits = limits
        self._members: dict[str, Member] = {}
        self._looked = False  # `missing` was called since the last cut
        # Answers that are still to come to what was asked before a cut: the client does not wait for them any more.
        self._stale: dict[str, int] = {}

    def __getitem__(self, namespace: str) -> Member | None:
        return self._members.get(namespace)

    def joined(self) -> list[str]:
        """Where it is in."""
        return [namespace for namespace, member in self._members.items() if member is Member.IN]

    # -- what the client says

    def ask(self, namespace: str) -> Member | None:
        """It asks to come in; returns where it stood before."""
        member = self._members.get(namespace)
        if member is Member.ASKED:
            return member
        self._members.pop(namespace, None)
        away = list(self._members.values()).count(Member.PUT_OUT)
        if len(self._members) - away >= self._limits.namespaces + MORE:
            raise RemoteProtocolError("protocol", "more namespaces were asked for than anybody may be in")
        self._members[namespace] = Member.ASKED
        self.asked += 1
        self.stays[namespace] = self.asked
        self.sockets.pop(namespace, None)
        return member

    def hears(self, namespace: str) -> bool:
        """Whether what it says there counts. Raises RemoteProtocolError where it has no business."""
        member = self._members.get(namespace)
        if member is Member.IN:
            return True
        if member is Member.PUT_OUT:
            return False
        raise RemoteProtocolError("protocol", "something was said in a namespace that is not joined; CONNECT first")

    def leave(self, namespace: str) -> bool:
        """It leaves; false when it was put out already."""
        heard = self.hears(namespace)
        self._drop(namespace)
        return heard

    # -- what the server says

    def admit(self, namespace: str, socket: str) -> bool:
        """It is let in; false when it does not wait for that any more."""
        if not self._answered(namespace):
            return False
        self._members[namespace] = Member.IN
        self.sockets[namespace] = socket
        return True

    def refuse(self, namespace: str) -> bool:
        """It is not let in; false when it does not wait for that any more."""
        if not self._answered(namespace):
            return False
        self._drop(namespace)
        return True

    def put_out(self, namespace: str) -> bool:
        """The server has it leave; false when it does not know that it was in."""
        member = self._members.get(namespace)
        self.sockets.pop(namespace, None)
        if member is Member.CUT:
            self._drop(namespace)
        if member is not Member.IN:
            return False
        away = [name for name, member in self._members.items() if member is Member.PUT_OUT]
        if len(away) >= MORE:
            self._drop(away[0])
        self._members[namespace] = Member.PUT_OUT
        return True

    def _drop(self, namespace: str) -> None:
        """Nothing is kept of it."""
        del self._members[namespace], self.stays[namespace]
        self.sockets.pop(namespace, None)

    def _answered(self, namespace: str) -> bool:
        stale = self._stale.pop(namespace, 0)
        if stale > 1:
            self._stale[namespace] = stale - 1
        return not stale and self._members.get(namespace) is Member.ASKED

    # -- cuts

    def cut(self) -> None:
        """The client comes on another transport: it has to ask again wherever it was."""
        self._looked = False
        for namespace, member in tuple(self._members.items()):
            if member is Member.PUT_OUT:
                self._drop(namespace)
                continue
            if member is Member.ASKED:
                self._stale[namespace] = self._stale.get(namespace, 0) + 1
            self._members[namespace] = Member.CUT

    def missing(self) -> list[str]:
        """Called once in a while: it has left where it did not ask again between two calls behind a cut."""
        if not self._looked:
            self._looked = True
            return []
        cut = [namespace for namespace, member in self._members.items() if member is Member.CUT]
        for namespace in cut:
            self._drop(namespace)
        return cut

    def take_back(self, namespace: str) -> None:
        """It is in again where it was before the cut."""
        self._members[namespace] = Member.IN
