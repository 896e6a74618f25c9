"""What aiohttp logs of requests that are none: a traceback at ERROR for each, so that any stranger can fill the log."""

from __future__ import annotations

import logging

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.log import server_logger

from antiphon.protocol.loglines import one_line

__all__ = ["quiet_bad_requests"]

log = logging.getLogger("antiphon.session")


def quiet_bad_requests() -> None:
    """Have aiohttp's log keep to errors of the application: a request that is no HTTP is one line at DEBUG.

    It goes to the logger antiphon.session. Call it once, where the process starts; to call it again changes nothing.
    """
    server_logger.addFilter(_BAD_REQUESTS)


class _BadRequests(logging.Filter):
    """Lets everything pass but what aiohttp's parser refused, which has been answered with 400."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        # Its message quotes what was sent.
        log.debug("%s: %s", one_line(record.getMessage()), one_line(" ".join(error.message.split())))
        return False


# One object, for a logger takes the same filter only once.
_BAD_REQUESTS = _BadRequests()
