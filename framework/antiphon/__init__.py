"""antiphon: a call, and the answer. Real-time events, calls and rooms that survive cuts."""

from antiphon.client.client import Client
from antiphon.client.namespace import ClientNamespace
from antiphon.config import Backoff, Heartbeat, Inbox, Limits, Outbox, Resume
from antiphon.errors import (
    AntiphonError,
    CallAbandoned,
    CallError,
    CallFailed,
    CallNotSent,
    CallTimeout,
    ConnectionClosed,
    ConnectionRefused,
    LocalProtocolError,
    OutboxFull,
    PayloadError,
    ProtocolError,
    Refused,
    RemoteProtocolError,
)
from antiphon.server.broadcast import Broadcast
from antiphon.server.namespace import Namespace
from antiphon.server.server import Server
from antiphon.server.socket import Socket
from antiphon.server.statistics import ServerStatistics

__all__ = [
    "AntiphonError",
    "Backoff",
    "Broadcast",
    "CallAbandoned",
    "CallError",
    "CallFailed",
    "CallNotSent",
    "CallTimeout",
    "Client",
    "ClientNamespace",
    "ConnectionClosed",
    "ConnectionRefused",
    "Heartbeat",
    "Inbox",
    "Limits",
    "LocalProtocolError",
    "Namespace",
    "Outbox",
    "OutboxFull",
    "PayloadError",
    "ProtocolError",
    "Refused",
    "RemoteProtocolError",
    "Resume",
    "Server",
    "ServerStatistics",
    "Socket",
]
