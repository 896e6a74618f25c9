"""Who is told of every event that goes out: where it is emitted, so nothing that they do may harm that."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from antiphon.dispatch.handlers import Handlers
from antiphon.errors import PayloadError
from antiphon.protocol.loglines import one_line

__all__ = ["tell_outgoing"]

log = logging.getLogger("antiphon")


def tell_outgoing(handlers: Handlers, event: str, args: Sequence[Any]) -> None:
    """Tell the listeners of a namespace what is emitted there. Their exceptions end in the log."""
    for listener in handlers.outgoing:
        try:
            listener.function(event, *listener.plan.arguments([*args]))
        except PayloadError as error:
            log.info("it was not told: %s", one_line(error))
        except Exception:
            log.exception("on_any_outgoing of namespace %r raised at %r", handlers.namespace, event)
