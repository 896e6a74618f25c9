"""What the query of a request to Engine.IO says: which transport, which session, or why neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from antiphon.dialects.socketio.engine import EngineError, EngineRefusal
from antiphon.types import NOTHING

__all__ = ["EngineRequest", "read_query"]

TRANSPORTS = frozenset({"polling", "websocket"})
VERSION = "4"
# The older protocol of Socket.IO 2, whose users ought to be told more than a number.
OLDER = "3"

# A query has at most so many characters and parameters, a sid so many characters.
LONGEST = 4096
MOST = 64
LONGEST_SID = 128
# They are said once. `t` is there so that nothing between keeps an answer, and says nothing.
OURS = frozenset({"EIO", "transport", "sid", "t", "j", "b64"})


class EngineRequest(NamedTuple):
    """A request of a known version and transport. `sid` is None for a handshake.

    `query`: the parameters that are the application's own; of one that is there twice, the last.
    """

    transport: str
    sid: str | None = None
    query: Mapping[str, str] = NOTHING


def read_query(query: str) -> EngineRequest | EngineRefusal:
    """What `query`, the part of a URL behind the question mark, asks for. Never raises."""
    if len(query) > LONGEST:
        return _bad(f"a query has at most {LONGEST} characters")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=MOST)
    except UnicodeDecodeError:
        return _bad("the query is not UTF-8")
    except ValueError:
        return _bad(f"a query has at most {MOST} parameters")
    ours: dict[str, str] = {}
    theirs: dict[str, str] = {}
    for name, value in pairs:
        if name not in OURS:
            theirs[name] = value
        elif name in ours:
            return _bad(f"the parameter {name} is there twice")
        else:
            ours[name] = value
    return _read(ours, theirs)


def _read(ours: dict[str, str], theirs: dict[str, str]) -> EngineRequest | EngineRefusal:
    transport, version, sid = ours.get("transport"), ours.get("EIO"), ours.get("sid")
    if transport is None or transport not in TRANSPORTS:
        return EngineRefusal(EngineError.TRANSPORT_UNKNOWN)
    if version == OLDER:
        remedy = "EIO=3 is spoken by Socket.IO 2; use a client of version 3 or newer"
        return EngineRefusal(EngineError.UNSUPPORTED_VERSION, remedy)
    if version != VERSION:
        return EngineRefusal(EngineError.UNSUPPORTED_VERSION)
    if "j" in ours:
        return _bad("JSONP ended with EIO=3")
    # An empty one is not None: it names a session, which nobody has.
    if sid is not None and not (0 < len(sid) <= LONGEST_SID and sid.isascii()):
        return EngineRefusal(EngineError.SESSION_UNKNOWN)
    return EngineRequest(transport, sid, theirs or NOTHING)


def _bad(remedy: str) -> EngineRefusal:
    return EngineRefusal(EngineError.BAD_REQUEST, remedy)
