"""What is done with an input, decoder by decoder, and what must hold for whatever was accepted."""

from __future__ import annotations

from typing import Any

import msgspec

from antiphon.client.polling import PollingPort
from antiphon.client.requests import HttpRequest, Told
from antiphon.client.streaming import StreamingPort
from antiphon.config import Limits
from antiphon.dialects.base import Answer, Attach, Credentials, Intent, LeaveBeacon, OpenWebSocket, Poll, Push, Request
from antiphon.dialects.base import Stream as StreamIntent
from antiphon.dialects.native import jsonbytes
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.dialects.native.http import NativeDialect
from antiphon.errors import ProtocolError
from antiphon.protocol.client_session import ClientSession
from antiphon.protocol.codec import Broken, Codec, is_counted
from antiphon.server.origins import Origins
from antiphon.transports.websocket_frames import FrameEvent, FrameReader, PeerClose, Violation
from tests.fuzz import corpus
from tests.fuzz.ends import answer, as_form, pieces

__all__ = [
    "JSON",
    "MSGPACK",
    "list_origins",
    "read_answers",
    "read_beacon",
    "read_bytes_in_json",
    "read_codec",
    "read_frames",
    "read_origins",
    "read_request",
    "read_stream",
]

LIMITS = Limits()
MSGPACK, JSON = MsgpackCodec(LIMITS), JsonCodec(LIMITS)
DIALECT = NativeDialect(LIMITS)
LISTED = "https://app.example"
ORIGINS = Origins([LISTED])
# Whom the requests of a client speak for; they only read what it says about itself.
OWNER = ClientSession(MSGPACK, "k" * 43, wake=lambda: None)
# Where a refusal is told to the peer it is a reason of a Close: it must be text, and not of any length.
LONGEST_REFUSAL = 2000
# What is longer is only read: writing it again would measure something else.
LONG = 4096
# Small bounds, so that mutants pass them.
FRAME_LIMIT, FRAGMENTS = 1000, 8
INTENTS = (OpenWebSocket, Attach, StreamIntent, Poll, Push, LeaveBeacon, Answer)


# -- messages


def _read_message(codec: Codec, data: bytes) -> bool:
    """What was accepted can be said to anybody in either form: poison would break another client's encoder."""
    for packet in codec.decode(as_form(codec, data)).packets:
        if isinstance(packet, Broken):
            _check_text(str(packet.error))
            continue
        if len(data) > LONG:
            continue
        counted = int(is_counted(packet))
        for other in (MSGPACK, JSON):
            again = other.decode(other.pack(counted, counted, [other.encode(packet)]))
            assert again.packets == [packet], f"{packet} came back as {again.packets}"
    return True


def _check_text(text: str) -> None:
    assert len(text.encode()) <= LONGEST_REFUSAL, f"a refusal of {len(text)} characters: {text[:100]!r}"


def read_codec(codec: Codec, data: bytes) -> bool:
    try:
        return _read_message(codec, data)
    except ProtocolError as error:
        _check_text(str(error))
        raise


def read_bytes_in_json(data: bytes) -> bool:
    value = jsonbytes.unwrap(msgspec.json.decode(data))
    again: Any = jsonbytes.unwrap(msgspec.json.decode(msgspec.json.encode(jsonbytes.wrap(value))))
    assert again == value, f"{value!r} came back as {again!r}"
    return True


def read_stream(codec: Codec, data: bytes) -> bool:
    requests: list[HttpRequest] = []
    port = StreamingPort(codec, OWNER, requests.append, limit=LIMITS.message)
    port.write(b"hello")
    [request] = requests
    told = [told for piece in pieces(data) for told in port.came(request.token, piece)]
    for each in told:
        _check_told(codec, each)
    return any(each.message is not None for each in told)


def read_answers(codec: Codec, data: bytes) -> bool:
    requests: list[HttpRequest] = []
    port = PollingPort(codec, OWNER, requests.append)
    port.write(b"hello")
    accepted = False
    for part in data.split(corpus.SEPARATOR):
        told = port.answered(requests[-1].token, *answer(codec, part))
        _check_told(codec, told)
        accepted |= told.message is not None
        port.poll()
    return accepted


def _check_told(codec: Codec, told: Told) -> None:
    assert told.message is None or isinstance(told.message, bytes) == (codec.form == "msgpack")
    assert told.message is None or not told.lost


# -- WebSocket


def read_frames(data: bytes) -> bool:
    """Wherever the bytes are cut, they say the same; and nothing is read behind the end."""
    events = _events([data])
    assert events == _events(pieces(data)), f"cut in pieces it says {_events(pieces(data))}, and whole {events}"
    for event in events[:-1]:
        assert not isinstance(event, PeerClose | Violation), f"{event} is not the last of {events}"
    return not (events and isinstance(events[-1], Violation))


def _events(received: list[bytes]) -> list[FrameEvent]:
    reader = FrameReader(FRAME_LIMIT, FRAGMENTS)
    found: list[FrameEvent] = []
    for piece in received:
        event = reader.read(piece)
        while event is not None:
            assert not isinstance(event, bytes | str) or len(event) <= FRAME_LIMIT
            found.append(event)
            event = reader.read() if reader.rest else None
    return found


# -- HTTP


def read_request(data: bytes) -> bool:
    """A request as a host states it: header names in lower case, other bytes of a header as surrogates."""
    head, _, body = data.partition(b"\n\n")
    lines = head.decode("utf-8", "surrogateescape").split("\n")
    method, _, path = lines[0].partition(" ")
    pairs = (line.partition(":") for line in lines[1:])
    request = Request(method, path, {name.lower(): value.strip() for name, _, value in pairs}, body)
    return _interpreted(DIALECT.interpret(request))


def read_beacon(data: bytes) -> bool:
    return _interpreted(DIALECT.interpret(Request("POST", "leave", {}, data)))


def _interpreted(intent: Intent) -> bool:
    assert isinstance(intent, INTENTS), f"{intent!r} is no intent"
    if isinstance(intent, Answer):
        assert 400 <= intent.status < 500, f"{intent} blames the server"
        _check_text(intent.reason)
        return False
    if isinstance(intent, Poll | Push):
        credentials = intent.credentials
        assert isinstance(credentials, Credentials)
        # They are compared with secrets and looked up; what nothing can encode would raise there.
        (credentials.sid + credentials.key).encode("ascii")
        assert 0 <= credentials.attempt < 2**53 and 0 <= credentials.request < 2**53
    elif isinstance(intent, LeaveBeacon):
        (intent.sid + intent.key).encode()
    return True


def read_origins(data: bytes) -> bool:
    """Only the listed origin and the server's own come in, whatever is written around them."""
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    *origins, scheme, host = ["", *lines] if len(lines) < 3 else lines
    refusal = ORIGINS.refusal(origins, scheme, host)
    for origin in origins:
        ORIGINS.allowed(origin)
    if refusal is None and origins:
        own = f"{scheme}://{host}".lower()
        [origin] = origins
        known = {LISTED, own, own.removesuffix(":443"), own.removesuffix(":80")}
        assert origin.lower() in known, f"{origin!r} came in at {own!r}"
    return refusal is None


def list_origins(data: bytes) -> bool:
    Origins(data.decode("utf-8", "surrogateescape").split("\n"))
    return True
