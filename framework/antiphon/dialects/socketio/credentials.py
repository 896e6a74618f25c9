"""The `pid` of a CONNECT: on this wire it is the whole proof of who owns a session, `<sid>.<key>`."""

from __future__ import annotations

from typing import Any, NamedTuple

from antiphon.dialects.socketio.recovery import Place

__all__ = ["Claim", "claimed", "spelled"]

# Longer offsets and sids, and keys of another length, were not given by us.
LONGEST = 64
SHORTEST_KEY, LONGEST_KEY = 43, 128


class Claim(NamedTuple):
    """Which session a CONNECT speaks for, and where it wants to go on there."""

    sid: str
    key: str
    place: Place

    def __repr__(self) -> str:
        return f"Claim(sid={self.sid!r}, place={self.place}, key=<secret>)"


def spelled(sid: str, key: str, stay: int) -> str:
    """The pid of a session."""
    return f"{sid}.{key}.{stay}"


def claimed(namespace: str, auth: Any) -> tuple[Claim | None, Any]:
    """What a CONNECT claims, and its auth without that.

    A pid that we cannot have given, of another server or of the user's own, is left where it is.
    """
    pid = auth.get("pid") if type(auth) is dict else None
    if type(pid) is not str or not pid.isascii():
        return None, auth
    sid, _, key = pid.partition(".")
    key, _, stay = key.partition(".")
    if not (0 < len(sid) <= LONGEST and SHORTEST_KEY <= len(key) <= LONGEST_KEY):
        return None, auth
    offset = auth.get("offset")
    place = Place(namespace, offset if type(offset) is str and len(offset) <= LONGEST else None, stay)
    rest = {name: value for name, value in auth.items() if name != "pid" and name != "offset"}
    # Who has no auth sends none the first time, and must be the same person the second time.
    return Claim(sid, key, place), rest or None
