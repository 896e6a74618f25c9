"""The two ends of a conversation, given whatever the other side may say: the sessions, and the client's HTTP ports."""

from __future__ import annotations

import hashlib

from antiphon.client.backoff import Backoff
from antiphon.client.connector import Connector, Link, Port
from antiphon.client.polling import PollingPort
from antiphon.client.requests import HttpRequest, Told
from antiphon.client.streaming import StreamingPort
from antiphon.config import Backoff as BackoffSettings
from antiphon.config import Limits
from antiphon.protocol.client_session import RESERVE, ClientSession
from antiphon.protocol.codec import Codec
from antiphon.protocol.packets import Hello, Pong
from antiphon.protocol.server_session import ServerSession, Settings
from antiphon.protocol.session import Session
from antiphon.types import Data
from tests.fuzz.corpus import KEY, SEPARATOR

__all__ = ["answer", "answered_client", "as_form", "check_bounds", "heard_server", "pieces", "streamed_client"]

PROOF = hashlib.sha256(KEY.encode()).digest()
SETTINGS = Settings(epoch="e1")
LIMITS = Limits()
MOST = 1 << 20
# Pings that are answered at one time.
PONGS = 16


def as_form(codec: Codec, data: bytes) -> Data:
    """As a transport hands it over. Where it is no UTF-8 the text holds what no transport lets through, to be hard."""
    return data if codec.form == "msgpack" else data.decode("utf-8", "surrogateescape")


def heard_server(codec: Codec, data: bytes) -> bool:
    """A session of a server hears messages; whether it lives behind them."""
    session = ServerSession("s1", PROOF, codec, SETTINGS, 0.0, wake=_nothing)
    session.accept(Hello(key=KEY, attempt=1), 0.0)
    session.take(0.0)
    for number, part in enumerate(data.split(SEPARATOR)):
        session.receive(as_form(codec, part), 0.01 * number)
        _go_on(session, 0.01 * number)
    return session.ending is None


def streamed_client(codec: Codec, data: bytes) -> bool:
    """A client hears an event stream; whether it was attached."""
    connector, requests = _client(codec, "sse")
    link = connector.candidate
    assert link is not None and isinstance(link.port, StreamingPort)
    port, token = link.port, requests[-1].token
    for piece in pieces(data):
        for told in port.came(token, piece):
            _tell(connector, link, told)
            _go_on(connector.session, 0.0)
    _tell(connector, link, port.failed(token))
    return connector.session.sid is not None


def answered_client(codec: Codec, data: bytes) -> bool:
    """A client's requests are answered, one after another; whether it was attached."""
    connector, requests = _client(codec, "longpoll")
    link = connector.candidate
    assert link is not None and isinstance(link.port, PollingPort)
    port = link.port
    for number, part in enumerate(data.split(SEPARATOR)):
        told = port.answered(requests[-1].token, *answer(codec, part))
        _tell(connector, link, told)
        if not told.lost:
            port.poll()
        _go_on(connector.session, 0.01 * number)
        connector.tick(0.01 * number)
    return connector.session.sid is not None


def pieces(data: bytes) -> list[bytes]:
    """What a connection brings, cut at places that the bytes say themselves: mostly two, seldom everywhere."""
    if len(data) > 4096:
        return [data]
    size = 1 if sum(data[-8:]) % 32 == 0 else 1 + len(data) // 2
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


def answer(codec: Codec, part: bytes) -> tuple[int, Data, str]:
    """Status, body and reason of an answer that is written `STATUS reason`, then the body."""
    head, _, body = part.partition(b"\n")
    status = int(head[:3]) if head[:3].isdigit() else 200
    return status, as_form(codec, body), head[4:].decode("utf-8", "surrogateescape")


def _client(codec: Codec, kind: str) -> tuple[Connector, list[HttpRequest]]:
    """A client that has said Hello over HTTP, and the requests it has made."""
    requests: list[HttpRequest] = []
    session = ClientSession(codec, KEY, wake=_nothing)
    session.join("/")

    def open_port(kind: str, link: Link) -> Port:
        if kind == "sse":
            return StreamingPort(codec, session, requests.append, limit=MOST)
        return PollingPort(codec, session, requests.append)

    connector = Connector(session, open_port, kinds=[kind], backoff=Backoff(BackoffSettings(), lambda: 1.0))
    connector.start(0.0)
    assert connector.candidate is not None
    connector.opened(connector.candidate, 0.0)
    return connector, requests


def _tell(connector: Connector, link: Link, told: Told) -> None:
    if told.lost:
        connector.lost(link, 0.0, told.code, told.reason)
    elif told.message is not None:
        connector.received(link, told.message, 0.0)


def _go_on(session: Session, now: float) -> None:
    """What a shell does behind every message; what is said then can be read."""
    while session.deliver() is not None:
        pass
    said = [packet for message in session.take(now) for packet in session.codec.decode(message).packets]
    pongs = sum(isinstance(packet, Pong) for packet in said)
    assert pongs <= PONGS, f"{pongs} Pongs were owed at one time"
    if now >= session.due:
        session.tick(now)
    check_bounds(session)


def check_bounds(session: Session) -> None:
    """Whatever was said to it: what a session keeps is within what it may keep."""
    inbox, outbox = session.inbox, session.outbox
    assert len(inbox) <= 2 * inbox.bounds.packets + 64, f"an inbox keeps {len(inbox)} packets"
    reserve = RESERVE if isinstance(session, ClientSession) else 0
    assert outbox.packets <= outbox.bounds.packets + reserve, f"an outbox keeps {outbox.packets} packets"
    assert outbox.size <= outbox.bounds.size * 5 // 4, f"an outbox keeps {outbox.size} bytes"
    assert len(session.streams) == 0, "streams that nobody opened"


def _nothing() -> None:
    """Nobody is to be woken: the shell looks after every message."""
