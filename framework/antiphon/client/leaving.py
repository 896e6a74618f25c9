"""The last word of a client that has no transport: one request, so that the server does not wait for it for long."""

from __future__ import annotations

import contextlib
import json

import aiohttp

from antiphon.protocol.client_session import ClientSession

__all__ = ["leave", "word_of"]

# Nobody wants to wait for it: without it the session expires a little later.
WAIT = 2.0


def word_of(session: ClientSession) -> str | None:
    """What to say, made before the session forgets who it was; None when the server knows nothing of it."""
    if session.sid is None:
        return None
    return json.dumps({"session": session.sid, "key": session.key, "attempt": session.attempt})


async def leave(http: aiohttp.ClientSession, url: str, word: str) -> None:
    """Say it, if there is a network that carries it."""
    headers, timeout = {"Content-Type": "application/json"}, aiohttp.ClientTimeout(total=WAIT)
    with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
        async with http.post(f"{url}/leave", data=word, headers=headers, timeout=timeout):
            pass  # it was heard; what is answered says nothing
