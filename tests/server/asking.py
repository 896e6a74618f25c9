"""What tests of middleware and handlers ask: what a peer is told, and what the log says."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from antiphon.protocol.packets import Packet
from tests.server.peer import Peer, settle

__all__ = ["answers", "errors"]


async def answers(peer: Peer, *packets: Any) -> list[Packet]:
    """What a peer is told when it says something."""
    peer.say(*packets)
    await settle()
    return peer.read()


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the log says of errors."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
