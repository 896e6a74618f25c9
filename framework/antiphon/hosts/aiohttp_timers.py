"""How long aiohttp lets a connection wait for its next request: what to start it with, and a word to who did not."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web

from antiphon.config import Limits

__all__ = ["IdleWatch", "runner_options"]

log = logging.getLogger("antiphon.server")

# aiohttp's AppRunner waits for an hour. No proxy keeps connections for longer than this.
LONGEST_IDLE = 600.0
# A request that is answered before its body has come is read on for so long, so that the answer arrives before a reset.
LINGERING = 2.0
HERE = ("", "127.0.0.1", "::1")


def runner_options(limits: Limits = Limits(), *, idle: float | None = None) -> dict[str, Any]:
    """What to start aiohttp with: `web.run_app(app, **runner_options())`, or `web.AppRunner(app, **runner_options())`.

    aiohttp has one timer for two things: a request head that does not come, or not to its end, and a connection that is
    idle between requests. So both are cut after `limits.headers_timeout` seconds. Behind a proxy that keeps connections
    to the application open, `idle` has to be more than it keeps them for; slow heads are then its own affair.
    """
    return {"keepalive_timeout": max(idle or 0.0, limits.headers_timeout), "lingering_time": LINGERING}


class IdleWatch:
    """Tells an operator, once, that connections may idle for too long: only who starts aiohttp can change that."""

    def __init__(self) -> None:
        self._told = False

    def look(self, request: web.Request, address: str) -> None:
        """A request came from `address`; from this machine it is a test or a developer, who is left in peace."""
        if self._told or address in HERE or request.protocol.keepalive_timeout <= LONGEST_IDLE:
            return
        self._told = True
        log.warning(
            "aiohttp keeps connections that send no request for %g s, so that anybody can use them up; start it with "
            "web.AppRunner(app, **antiphon.hosts.aiohttp.runner_options())",
            request.protocol.keepalive_timeout,
        )
