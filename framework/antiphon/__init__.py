"""antiphon: a call, and the answer. Real-time events, calls and rooms that survive cuts."""

from antiphon.client.client import Client
from antiphon.client.namespace import ClientNamespace
from antiphon.config import Backoff, Heartbeat, Inbox, Limits, Outbox, Resume, Socketio
from antiphon.dispatch.deadlines import remaining
from antiphon.dispatch.marks import (
    on,
    on_any,
    on_any_outgoing,
    on_connect,
    on_disconnect,
    on_resume,
    on_suspend,
    once,
)
from antiphon.dispatch.streams import Stream
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
from antiphon.protocol.disconnects import DisconnectCode, Disconnected
from antiphon.protocol.identity import Principal
from antiphon.protocol.statistics import SessionStatistics
from antiphon.server.around import Arriving, Incoming, Outgoing
from antiphon.server.authentication import Arrival
from antiphon.server.broadcast import Broadcast
from antiphon.server.calling import Replies
from antiphon.server.namespace import Namespace
from antiphon.server.server import Server
from antiphon.server.socket import Socket
from antiphon.server.statistics import LimitsHit, NamespaceStatistics, RoomStatistics, ServerStatistics

__all__ = [
    "AntiphonError",
    "Arrival",
    "Arriving",
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
    "DisconnectCode",
    "Disconnected",
    "Heartbeat",
    "Inbox",
    "Incoming",
    "Limits",
    "LimitsHit",
    "LocalProtocolError",
    "Namespace",
    "NamespaceStatistics",
    "Outbox",
    "OutboxFull",
    "Outgoing",
    "PayloadError",
    "Principal",
    "ProtocolError",
    "Refused",
    "RemoteProtocolError",
    "Replies",
    "Resume",
    "RoomStatistics",
    "Server",
    "ServerStatistics",
    "SessionStatistics",
    "Socket",
    "Socketio",
    "Stream",
    "on",
    "on_any",
    "on_any_outgoing",
    "on_connect",
    "on_disconnect",
    "on_resume",
    "on_suspend",
    "once",
    "remaining",
]
