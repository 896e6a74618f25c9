"""The calls of a client to its server: they wait at the gate of their namespace, and may be sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from antiphon.dispatch.asking import Asking
from antiphon.errors import LocalProtocolError
from antiphon.protocol.calls import Outcome, Pending
from antiphon.protocol.packets import Call

if TYPE_CHECKING:
    from antiphon.client.client import Client

__all__ = ["ClientAsking"]


class ClientAsking(Asking):
    """See Asking."""

    def __init__(self, client: Client) -> None:
        super().__init__(client.session, client.after, client.clock)
        self._client = client

    def _open(self, packet: Call, settle: Callable[[Outcome], None], deadline: float, repeatable: bool) -> Pending:
        if repeatable and packet.streams:
            raise LocalProtocolError(
                f"call {packet.name!r} has a stream as an argument, of which a part may be gone: it cannot be repeated"
            )
        return self._client.session.emit_call(packet, settle, deadline, repeatable=repeatable)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self._client.spawn(coroutine)
