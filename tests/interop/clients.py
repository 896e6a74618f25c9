"""Clients of Socket.IO that nobody here wrote: many in one process of Node, under orders, and what they say happened.

Values that JSON has no word for are spelled `{"js": <kind>, "value": ...}` between the two.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import msgspec

__all__ = ["HERE", "UNDEFINED", "WIRES", "Clients", "IoClient", "Node", "Unanswered", "Wire", "js"]

HERE = Path(__file__).parent
PATIENCE = 10.0

# Which transports a client may use. With "upgrade" it begins with polls.
Wire = Literal["polling", "websocket", "upgrade"]
TRANSPORTS: dict[Wire, list[str]] = {
    "polling": ["polling"],
    "websocket": ["websocket"],
    "upgrade": ["polling", "websocket"],
}
WIRES: tuple[Wire, ...] = ("polling", "websocket", "upgrade")
# What is told of a connection, and not of a namespace on it.
OF_CONNECTION = frozenset({"upgrade", "upgrade_error", "ping", "reconnect_failed"})


class Unanswered(Exception):
    """An event was not acknowledged; the words are the client's."""


class Node:
    """A process of Node. It outlives tests, and the event loops that they run in."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            ["node", str(HERE / "socketio_client.mjs"), str(theirs.fileno())],
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def kill(self) -> None:
        """It vanishes, and every client in it."""
        self._process.kill()
        self._process.wait()
        self._line.close()

    @asynccontextmanager
    async def clients(self) -> AsyncIterator[Clients]:
        """The clients of one test: they are gone when it is over."""
        reader, writer = await asyncio.open_connection(sock=self._line.dup(), limit=1 << 24)
        clients = Clients(writer)
        reading = asyncio.create_task(clients.read(reader))
        try:
            yield clients
            if self._process.poll() is None:
                await clients.reset()
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


class Clients:
    """What opens clients, and hands each of them what it is told."""

    # Over all tests: what the client of one still says is not for that of the next.
    _last = 0

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._clients: dict[int, IoClient] = {}
        self._reset = asyncio.Event()

    def open(self, origin: str, wire: Wire, namespace: str = "", **options: Any) -> IoClient:
        """A client that connects to a namespace; `options` are those of socket.io-client.

        `auths=[...]` is its `auth` as a function, which gives one after another.
        """
        options = {"transports": TRANSPORTS[wire], **options}
        client = self._new()
        client.do("open", origin=origin, namespace=namespace, options=spelled(options))
        return client

    def beside(self, other: IoClient, namespace: str, **options: Any) -> IoClient:
        """Another namespace on the connection of a client; `options` are its `auth`, or `auths`."""
        client = self._new()
        client.do("beside", of=other.id, namespace=namespace, options=spelled(options))
        return client

    async def reset(self) -> None:
        """All clients leave."""
        self._reset.clear()
        self.write({"do": "reset"})
        async with asyncio.timeout(PATIENCE):
            await self._reset.wait()

    def write(self, order: dict[str, Any]) -> None:
        """Have something done; see socketio_client.mjs."""
        self._writer.write(msgspec.json.encode(order) + b"\n")

    async def read(self, reader: asyncio.StreamReader) -> None:
        """Hand on what is told, until there is nobody to tell."""
        while line := await reader.readline():
            what = msgspec.json.decode(line)
            if what["client"] == 0:
                self._reset.set()
            elif (client := self._clients.get(what["client"])) is not None:
                client.hear(meant(what["told"]))

    def _new(self) -> IoClient:
        Clients._last += 1
        client = self._clients[self._last] = IoClient(self, self._last)
        return client


class IoClient:
    """One socket.io-client in one namespace."""

    def __init__(self, clients: Clients, id: int) -> None:
        self.id = id
        self.sid = ""
        self.recovered = False
        self._clients = clients
        self._told = asyncio.Queue[list[Any]]()
        self._of_connection = asyncio.Queue[list[Any]]()
        self._looks = asyncio.Queue[dict[str, Any]]()
        self._answers: dict[int, asyncio.Future[list[Any]]] = {}
        self._asked = 0

    # -- orders

    def do(self, verb: str, **what: Any) -> None:
        """Have it do something; see socketio_client.mjs."""
        self._clients.write({"do": verb, "client": self.id, **what})

    def emit(self, event: str, *args: Any, volatile: bool = False) -> None:
        """`socket.emit(event, ...args)`."""
        self.do("emit", event=event, args=spelled(args), volatile=volatile)

    def count(self, event: str, count: int, *args: Any) -> None:
        """Emit an event so many times in one turn, with 0, 1, 2 ... before `args`."""
        self.do("count", event=event, args=spelled(args), **{"from": 0, "to": count})

    def asking(
        self, event: str, *args: Any, timeout: int | None = None, promised: bool = False
    ) -> asyncio.Future[list[Any]]:
        """Emit an event with an acknowledgement: the values of it, or Unanswered.

        `timeout`: `socket.timeout(milliseconds)`; `promised`: by `emitWithAck`, which gives one value.
        """
        self._asked += 1
        answer = self._answers[self._asked] = asyncio.get_running_loop().create_future()
        self.do("ask", event=event, args=spelled(args), number=self._asked, timeout=timeout, promised=promised)
        return answer

    async def ask(self, event: str, *args: Any, timeout: int | None = None, promised: bool = False) -> list[Any]:
        """As `asking`, and wait."""
        async with asyncio.timeout(PATIENCE):
            return await self.asking(event, *args, timeout=timeout, promised=promised)

    async def answer(self, event: str, *values: Any) -> None:
        """From now on, acknowledge this event with these values. By default it is what came with it."""
        self.do("answer", event=event, answer=spelled(values))
        await self.looks()  # it knows of it then

    async def withhold(self, event: str) -> None:
        """From now on, do not acknowledge this event."""
        self.do("answer", event=event, answer="withheld")
        await self.looks()

    def disconnect(self) -> None:
        """`socket.disconnect()`: leave the namespace, and end the connection with the last one."""
        self.do("disconnect")

    def close(self) -> None:
        """`socket.io.engine.close()`: the connection ends, and the client comes back if it may."""
        self.do("close")

    # -- what it tells

    async def told(self) -> list[Any]:
        """The next that happened to it: "connect", "connect_error", "disconnect" or "event", and what belongs to it."""
        async with asyncio.timeout(PATIENCE):
            return await self._told.get()

    async def connected(self) -> None:
        """Wait until it is let in; nothing else may happen before."""
        word, *what = await self.told()
        assert word == "connect", f"told of {word} {what} where it was to connect"
        self.sid, self.recovered = what

    async def event(self) -> tuple[Any, ...]:
        """The name of the next event and what it carries; nothing else may happen before."""
        word, *what = await self.told()
        assert word == "event", f"told of {word} {what} where an event was to come"
        return tuple(what)

    async def events(self, count: int) -> list[tuple[Any, ...]]:
        """So many of them."""
        return [await self.event() for _ in range(count)]

    async def disconnected(self) -> str:
        """Why it is disconnected; nothing else may happen before."""
        word, *what = await self.told()
        assert word == "disconnect", f"told of {word} {what} where it was to disconnect"
        [reason] = what
        assert isinstance(reason, str)
        return reason

    async def of_connection(self) -> list[Any]:
        """The next that happened to its connection: "upgrade", "upgrade_error", "ping", "reconnect_failed"."""
        async with asyncio.timeout(PATIENCE):
            return await self._of_connection.get()

    async def upgraded(self) -> None:
        """Wait until the connection is a WebSocket."""
        while (told := await self.of_connection())[0] == "ping":
            pass
        assert told == ["upgrade", "websocket"]

    async def looks(self) -> dict[str, Any]:
        """How it stands: `connected`, `writable`, `transport`, `pid`, `offset`. What it was told before, we know."""
        self.do("look")
        async with asyncio.timeout(PATIENCE):
            return await self._looks.get()

    async def quiet(self) -> bool:
        """Whether nothing happened to it that was not asked for."""
        await self.looks()
        return self._told.empty()

    def hear(self, told: list[Any]) -> None:
        """Something happened to it."""
        match told:
            case ["answer", number, None, *values]:
                self._answers[number].set_result(values)
            case ["answer", number, fault]:
                self._answers[number].set_exception(Unanswered(fault))
            case ["looks", state]:
                self._looks.put_nowait(state)
            case [word, *_] if word in OF_CONNECTION:
                self._of_connection.put_nowait(told)
            case _:
                self._told.put_nowait(told)


# -- values


Kind = Literal["Buffer", "Uint8Array", "ArrayBuffer", "Float32Array", "Date", "NaN", "undefined"]


def js(kind: Kind, value: Any = None) -> Any:
    """A value of JavaScript that Python has no word for. Bytes are a Buffer there, unless they are told otherwise."""
    return {"js": kind, "value": value.hex() if isinstance(value, bytes) else value}


UNDEFINED = js("undefined")


def spelled(value: Any) -> Any:
    """A value on its way there."""
    match value:
        case bytes():
            return js("Buffer", value)
        case list() | tuple():
            return [spelled(item) for item in value]
        case dict():
            return {key: spelled(item) for key, item in value.items()}
    return value


def meant(value: Any) -> Any:
    """A value that came from there."""
    match value:
        case {"js": "Buffer", "value": spelling}:
            return bytes.fromhex(spelling)
        case {"js": "undefined"}:
            return ...
        case list():
            return [meant(item) for item in value]
        case dict():
            return {key: meant(item) for key, item in value.items()}
    return value
