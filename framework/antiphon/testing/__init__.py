"""What helps to test applications built on antiphon, and antiphon itself: its public names, listed once."""

from antiphon.testing.app_client import AppClient
from antiphon.testing.client import TestClient
from antiphon.testing.clock import ManualClock
from antiphon.testing.conformance.broken import Broken
from antiphon.testing.conformance.broker import check_broker
from antiphon.testing.conformance.transport import TransportRig, check_transport
from antiphon.testing.listener import Listener, NothingCame
from antiphon.testing.proxy import Answer, Direction, Ending, FaultProxy, Refusal
from antiphon.testing.virtual_clock import VirtualClock

__all__ = [
    "Answer",
    "AppClient",
    "Broken",
    "Direction",
    "Ending",
    "FaultProxy",
    "Listener",
    "ManualClock",
    "NothingCame",
    "Refusal",
    "TestClient",
    "TransportRig",
    "VirtualClock",
    "check_broker",
    "check_transport",
]
