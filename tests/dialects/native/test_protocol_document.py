"""docs/protocol.md says what the code does: its messages are read, its tables compared, its dialogues replayed."""

from __future__ import annotations

import asyncio
import json
import re
from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from antiphon import Limits, Server, Socket
from antiphon.dialects.base import Answer, Attach, LeaveBeacon, Poll, Push, Request, Stream
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.dialects.native.spelling import KINDS
from antiphon.protocol.closing import Closing, TransportCode
from antiphon.transports.sse import EventStreamTransport
from antiphon.transports.websocket import WebSocketTransport
from antiphon.types import Data

DOCUMENT = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")

# The ids of the document; a real server makes its own.
SID, EPOCH = "Jx2mV0kq9cR4tY7uB1nWaQ", "Zk8sQw3nT1c"
KEY = "fdLwbJ3aZ-1H7Q0nTqT2vYkR5mU8xC9oE4sG6iW_BpA"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)


def table(first: str) -> list[list[str]]:
    """The rows of the table whose first heading is `first`, without markup."""
    lines = DOCUMENT[DOCUMENT.index(f"\n| {first} |") + 1 :].splitlines()[2:]
    rows = lines[: next(index for index, line in enumerate(lines) if not line.startswith("|"))]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


MESSAGES = [line for block in blocks("json") for line in block.splitlines()]
DIALOGUES = blocks("dialogue")


# -- messages and tables


@pytest.mark.parametrize("text", MESSAGES)
def test_an_example_message_is_what_the_codec_writes(text: str) -> None:
    codec = JsonCodec(Limits())

    message = codec.decode(text)

    assert codec.pack(message.number, message.counted, list(map(codec.encode, message.packets))) == text


def test_the_example_in_msgpack_is_the_one_in_json() -> None:
    (spelled,) = blocks("hex")
    binary = bytes.fromhex(spelled)

    assert MsgpackCodec(Limits()).decode(binary) == JsonCodec(Limits()).decode(MESSAGES[0])
    assert f"The same in msgpack, {len(binary)} bytes:" in DOCUMENT


def test_the_example_events_of_a_stream_are_the_same_message_in_both_forms() -> None:
    shown = re.findall(r"^data: (\S+)$", DOCUMENT, re.MULTILINE)
    [binary] = [text for text in shown if not text.startswith("[") and ":" not in text]

    message = MsgpackCodec(Limits()).decode(b64decode(binary, validate=True))

    assert message in [JsonCodec(Limits()).decode(text) for text in shown if text.startswith("[")]


def test_values_are_spelled_in_json_as_the_table_says() -> None:
    rows = [row[1].strip("`") for row in table("value")]

    values = [JsonCodec(Limits()).decode(f"[1,1,[7,1,{text}]]").packets[0].value for text in rows]  # type: ignore[attr-defined]

    assert values == [b"\x01\x02", {"$bytes": "x"}, {"a": 1, "$b": {"$$c": 2}}]


def test_the_table_of_packets_has_every_field_in_order_with_its_default() -> None:
    told = {int(code): (name, fields) for code, name, fields in table("type")}

    assert {code: name for code, (name, _) in told.items()} == {code: kind.__name__ for code, kind in KINDS.items()}
    for code, kind in KINDS.items():
        name, fields = told[code]
        known = [(f.name, f.default) for f in msgspec.structs.fields(kind)]
        if name in ("Hello", "Welcome"):
            known = [(field, list(default) if isinstance(default, tuple) else default) for field, default in known]
        assert [described(field) for field in re.split(r", (?=`)", fields.removeprefix("one map: "))] == known


def described(field: str) -> tuple[str, Any]:
    name, _, default = field.partition(" = ")
    default = {"nil": "null"}.get(default, default)
    return re.findall(r"`(\w+)`", name)[0], json.loads(default) if default else msgspec.NODEFAULT


def test_the_table_of_close_codes_is_complete() -> None:
    told = {int(code): name for code, name, _ in table("close code")}

    assert told == {code.value: code.name.lower() for code in TransportCode}


def test_the_table_of_limits_has_the_defaults() -> None:
    told = {re.findall(r"`(\w+)`", limit)[0]: float(default) for limit, default, _ in table("limit")}

    assert told == {name: getattr(Limits(), name) for name in told}
    assert len(told) >= 7


# -- dialogues


class Recorder(WebSocketTransport):
    """A WebSocket whose peer is the document."""

    def __init__(self, replay: Replay) -> None:
        super().__init__(replay.server.gateway)
        self._replay = replay

    def write(self, message: Data) -> None:
        assert isinstance(message, str)
        self._replay.says(message)

    def _shut(self, code: int, reason: str) -> None:
        self._replay.said.append(f"! {int(code)} {reason}")


class RecordedStream(EventStreamTransport):
    """An event stream of the document; an event of two lines is shown as one."""

    def __init__(self, replay: Replay) -> None:
        super().__init__(replay.server.gateway)
        self._replay = replay

    def open(self) -> RecordedStream:
        return self

    def status(self, answer: Answer) -> None:
        self._replay.says(f"{answer.status} {answer.reason}")

    def probed(self) -> None:
        pass  # the document ends it

    def _send(self, event: bytes) -> None:
        self._replay.says(" ".join(event.decode().rstrip().splitlines()))

    def _shut(self) -> None:
        pass


class Port:
    """One HTTP request of the document."""

    def __init__(self, replay: Replay) -> None:
        self._replay = replay

    def answer(self, message: Data | None) -> None:
        assert message is None or isinstance(message, str)
        self._replay.says("204" if message is None else f"200 {message}")

    def refuse(self, closing: Closing) -> None:
        self._replay.says(f"409 {TransportCode(closing.code).name.lower()}:{closing.reason}")

    def status(self, answer: Answer) -> None:
        self._replay.says(f"{answer.status} {answer.reason}")


class Replay:
    """A server that hears what the client of a dialogue says; what it says goes to `said`, with the document's ids."""

    def __init__(self) -> None:
        self.server = Server(clock=lambda: 100.0)
        self.said: list[str] = []
        self._socket: Recorder | RecordedStream = Recorder(self)
        self._attempt = "1"
        chat = self.server.namespace("/chat")

        @chat.on_connect
        async def enter(socket: Socket, auth: dict[str, str]) -> None:
            socket.data["name"] = auth["name"]

        @chat.on("say")
        async def say(socket: Socket, text: str) -> int:
            await chat.emit("said", socket.data["name"], text)
            return chat.count()

    def says(self, message: str) -> None:
        self.said.append(self._told(message))

    def _told(self, message: str) -> str:
        for line in self.server.registry:
            message = message.replace(line.session.sid, SID)
        return message.replace(self.server.epoch, EPOCH)

    def _real(self, message: str) -> str:
        for line in self.server.registry:
            message = message.replace(SID, line.session.sid)
        return message.replace(EPOCH, self.server.epoch)

    async def remark(self, text: str) -> None:
        if "WebSocket opens" in text:
            self._socket = Recorder(self)
        elif text == "cut":
            self._socket.lost()

    async def hear(self, text: str) -> None:
        if text.startswith("POST "):
            self._post(*text.removeprefix("POST ").split(" ", 1))
        else:
            assert isinstance(self._socket, Recorder)
            self._socket.received(self._real(text))
        for _ in range(10):
            await asyncio.sleep(0)

    def _post(self, verb: str, rest: str) -> None:
        headers = {"content-type": "application/json", "antiphon-key": KEY, "antiphon-session": self._real(SID)}
        if verb in ("poll", "push"):
            headers["antiphon-request"], rest = rest.split(" ", 1)
            headers["antiphon-attempt"] = self._attempt
        elif attempt := re.search(r'"attempt":(\d+)', rest):
            self._attempt = attempt[1]
        intent = self.server.dialect.interpret(Request("POST", verb, headers, self._real(rest).encode()))
        port, gateway = Port(self), self.server.gateway
        match intent:
            case Stream():
                self._socket = RecordedStream(self)
                gateway.stream(intent, self._socket)
            case Attach():
                gateway.attach(intent, port)
            case Poll():
                gateway.poll(intent, port)
            case Push():
                gateway.push(intent, port)
            case LeaveBeacon():
                gateway.leave(intent, port)
            case _:
                raise AssertionError(f"the document has a request that means {intent}")


@pytest.fixture
async def replay() -> AsyncIterator[Replay]:
    replay = Replay()
    replay.server.start(ticking=False)
    yield replay
    await replay.server.close()


@pytest.mark.parametrize("dialogue", DIALOGUES, ids=["WebSocket", "polls", "stream"])
async def test_a_dialogue_is_what_the_server_says(replay: Replay, dialogue: str) -> None:
    lines = dialogue.splitlines()

    for line in lines:
        mark, _, text = line.partition(" ")
        match mark:
            case "--":
                await replay.remark(text)
            case ">":
                assert replay.said == [], f"not in the document, before {text}"
                await replay.hear(text)
            case "<" | "x":
                assert replay.said.pop(0) == text
            case "!":
                assert replay.said.pop(0) == line
            case _:
                raise AssertionError(f"a dialogue has no lines like {line!r}")

    assert replay.said == []
    assert len(lines) > 15


def test_no_message_in_a_dialogue_is_one_that_nobody_would_write() -> None:
    codec = JsonCodec(Limits())
    messages = re.findall(r"\[\d+,\d+,.*\]$", "\n".join(DIALOGUES), re.MULTILINE)

    for text in messages:
        message = codec.decode(text)
        spelled = codec.pack(message.number, message.counted, list(map(codec.encode, message.packets)))
        # A reader takes a Hello without its defaults, as clients write it.
        assert spelled == text or '"attempt"' in text

    assert len(messages) > 20
