"""What a handler's exception means: whose cancellation it is, and what of it may be told to the peer."""

from __future__ import annotations

import asyncio
from typing import Any

from antiphon.dispatch.payloads import to_wire
from antiphon.errors import PayloadError

__all__ = ["cancelled_by_us", "tellable"]


def cancelled_by_us(error: BaseException, task: Any = None) -> bool:
    """Whether the running task itself is being cancelled, and not one that a handler has waited for."""
    if not isinstance(error, asyncio.CancelledError):
        return False
    task = task or asyncio.current_task()
    return task is not None and task.cancelling() > 0


def tellable(code: Any, message: Any, data: Any) -> tuple[str, str, Any]:
    """What an exception of the user wants to tell, as it travels. Raises PayloadError when it cannot."""
    if type(code) is not str or type(message) is not str:
        raise PayloadError(f"what the peer is told is a str, not {code!r} and {message!r}", expected="str")
    wire = to_wire([code, message, data], "what the peer is told")
    assert isinstance(wire, list)
    return code, message, wire[2]
