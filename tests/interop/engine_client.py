"""Engine.IO spoken by hand: requests and WebSockets that say what a test wants, right or wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import aiohttp
from yarl import URL

__all__ = ["SEPARATOR", "Answer", "Engine", "Frames", "HeldPoll", "Polls", "opened", "talking"]

PATIENCE = 5.0
SEPARATOR = "\x1e"


class Answer(NamedTuple):
    """What came back for one request."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def code(self) -> int:
        """The number that a refusal has in its JSON."""
        told = json.loads(self.text)
        assert set(told) == {"code", "message"} and isinstance(told["message"], str)
        assert self.headers["content-type"].startswith("application/json")
        code: int = told["code"]
        return code


class Engine:
    """One place where Engine.IO is served."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        """`url` ends with a slash."""
        self.http, self.url = http, url

    async def request(self, method: str, query: str, **more: Any) -> Answer:
        """Any request; `more` is what aiohttp's client takes."""
        async with asyncio.timeout(PATIENCE), self.http.request(method, self.url + query, **more) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, await response.text(), headers)

    async def get(self, query: str, **more: Any) -> Answer:
        return await self.request("GET", query, **more)

    async def polls(self) -> Polls:
        """A new session, on polling."""
        answer = await self.get("?EIO=4&transport=polling")
        assert answer.status == 200 and answer.text[0] == "0", answer
        return Polls(self, json.loads(answer.text[1:]))

    @asynccontextmanager
    async def websocket(self, sid: str | None = None, query: str = "") -> AsyncIterator[Frames]:
        """A WebSocket: of the session `sid`, or of its own; then its open packet has not been read."""
        query = f"?EIO=4&transport=websocket{'' if sid is None else f'&sid={sid}'}{query}"
        async with self.http.ws_connect(self.url + query, compress=0, max_msg_size=0) as socket:
            yield Frames(socket)

    @asynccontextmanager
    async def frames(self) -> AsyncIterator[Frames]:
        """A new session, on a WebSocket."""
        async with self.websocket() as frames:
            frames.opening = opened(await frames.hear())
            yield frames

    async def closed_at_once(self, query: str) -> None:
        """Open a WebSocket that nothing may come of: it is refused, or closed before anything was said on it."""
        try:
            async with self.http.ws_connect(self.url + query, compress=0) as socket:
                assert await Frames(socket).hear() is None
        except aiohttp.WSServerHandshakeError as error:
            assert error.status == 400


class Polls:
    """A session on polling."""

    def __init__(self, engine: Engine, opening: dict[str, Any]) -> None:
        self.engine, self.opening = engine, opening
        self.sid: str = opening["sid"]
        self._kept: list[str] = []

    @property
    def query(self) -> str:
        return f"?EIO=4&transport=polling&sid={self.sid}"

    async def poll(self) -> Answer:
        return await self.engine.get(self.query)

    async def post(self, body: str | bytes, **more: Any) -> Answer:
        """A POST as clients send them, with text."""
        more = {"headers": {"Content-Type": "text/plain;charset=UTF-8"}, **more}
        return await self.engine.request("POST", self.query, data=body, **more)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[HeldPoll]:
        """A poll that the server has, and does not answer as long as there is nothing for it."""
        async with self._begun("GET", "") as held:
            yield held

    @asynccontextmanager
    async def begun_post(self, body: str, *, sent: int) -> AsyncIterator[None]:
        """A POST of which the server has got so many characters of the body; in the end it breaks off."""
        head = f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        async with self._begun("POST", head, body[:sent]):
            yield

    @asynccontextmanager
    async def _begun(self, method: str, headers: str, body: str = "") -> AsyncIterator[HeldPoll]:
        url = URL(self.engine.url)
        reader, writer = await asyncio.open_connection(url.host, url.port)
        try:
            head = f"{method} {url.path}{self.query} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\nConnection: close\r\n"
            writer.write(f"{head}{headers}\r\n{body}".encode())
            # Behind the answer to a request that came later it has been read.
            await self.engine.get("?")
            yield HeldPoll(reader, writer)
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def say(self, *packets: str) -> None:
        """A POST that has to be taken."""
        answer = await self.post(SEPARATOR.join(packets))
        assert (answer.status, answer.text) == (200, "ok"), answer

    async def hear(self) -> str | None:
        """The next packet; None: the session is over. Pings are answered."""
        while True:
            if not self._kept:
                answer = await self.poll()
                if answer.status != 200:
                    return None
                self._kept = answer.text.split(SEPARATOR)
            packet = self._kept.pop(0)
            if packet in ("1", "6"):
                return None
            if packet != "2":
                return packet
            await self.say("3")


class HeldPoll:
    """One poll on a connection of its own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def answer(self) -> Answer:
        """What it is answered with."""
        async with asyncio.timeout(PATIENCE):
            head, _, body = (await self._reader.read(-1)).partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return Answer(int(status.split(" ")[1]), body.decode(), {name.lower(): headers[name] for name in headers})

    async def abort(self) -> None:
        """The client goes away without its answer."""
        self._writer.close()
        await self._writer.wait_closed()


class Frames:
    """A WebSocket. `opening`: what its open packet says, once that was read."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.opening: dict[str, Any] = {}

    async def say(self, *packets: str | bytes) -> None:
        for packet in packets:
            # Who breaks the protocol is closed while it still speaks.
            with suppress(ConnectionError):
                if isinstance(packet, bytes):
                    await self.socket.send_bytes(packet)
                else:
                    await self.socket.send_str(packet)

    async def hear(self) -> str | bytes | None:
        """The next packet; None: the server has closed."""
        message = await self.socket.receive(timeout=PATIENCE)
        heard: str | bytes | None = (
            message.data if message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY) else None
        )
        return heard

    async def hear_beside_pings(self) -> str | bytes | None:
        """As `hear`, with pings answered."""
        while (heard := await self.hear()) == "2":
            await self.say("3")
        return heard

    async def end(self) -> list[str | bytes]:
        """What still comes until the server closes. Raises TimeoutError if it does not."""
        heard: list[str | bytes] = []
        while (packet := await self.hear()) is not None:
            heard.append(packet)
        return heard

    async def enter(self, namespace: str = "", auth: str = "") -> dict[str, Any]:
        """Come into a namespace, "" for "/", with credentials in JSON. Returns what the server says to that."""
        head = f"40{namespace}," if namespace else "40"
        await self.say(head + auth)
        told = await self.hear_beside_pings()
        assert isinstance(told, str) and told.startswith(head), told
        said: dict[str, Any] = json.loads(told[len(head) :])
        return said


def opened(packet: str | bytes | None) -> dict[str, Any]:
    """What an open packet says."""
    assert isinstance(packet, str) and packet[0] == "0", packet
    said: dict[str, Any] = json.loads(packet[1:])
    return said


@asynccontextmanager
async def talking(url: str) -> AsyncIterator[Engine]:
    """A client of the Engine.IO at `url`. No connection is used twice, so that none is mended by aiohttp's client."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as http:
        yield Engine(http, url)
