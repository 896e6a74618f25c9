"""Steers a proxy over HTTP, for tests that do not run in Python.

POST /<verb>?<parameter>=<value> carries out one verb of the proxy and GET /statistics none; both answer the
statistics as JSON. A verb or parameter that does not exist is answered 400 with {"error": ...}.
"""

import asyncio
import json
import math
from collections.abc import Callable
from dataclasses import asdict
from enum import Enum
from functools import partial
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import parse_qsl, urlsplit

from antiphon.testing.proxy.chaos import Chaos
from antiphon.testing.proxy.fault_proxy import FaultProxy
from antiphon.testing.proxy.faults import Answer, Direction, Ending, Refusal
from antiphon.testing.proxy.http_stream import RequestStream
from antiphon.testing.proxy.pieces import RequestHead
from antiphon.testing.proxy.tasks import Tasks

Choice = TypeVar("Choice")
Word = TypeVar("Word", bound=Enum)
DIRECTIONS = {"up": Direction.UP, "down": Direction.DOWN, "both": Direction.BOTH}


class Parameters:
    """The query of one command, read by name and type; every reading raises ValueError with a sentence."""

    def __init__(self, query: str) -> None:
        self._given = dict(parse_qsl(query, keep_blank_values=True))

    def text(self, name: str) -> str | None:
        return self._given.pop(name, None)

    def whole(self, name: str, default: int | None = None) -> int:
        number = self.number(name, default)
        if number != int(number):
            raise ValueError(f"the parameter {name!r} must be a whole number, not {number}")
        return int(number)

    def number(self, name: str, default: float | None = None) -> float:
        given = self._given.pop(name, None)
        if given is None:
            if default is None:
                raise ValueError(f"the parameter {name!r} is missing")
            return default
        try:
            number = float(given)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise ValueError(f"the parameter {name!r} must be a number, not {given!r}")
        return number

    def flag(self, name: str) -> bool:
        return self._one_of(name, {"0": False, "1": True, "false": False, "true": True}, False)

    def direction(self, default: Direction = Direction.BOTH) -> Direction:
        return self._one_of("direction", DIRECTIONS, default)

    def word(self, name: str, default: Word) -> Word:
        return self._one_of(name, {word.value: word for word in type(default)}, default)

    def refuse_others(self) -> None:
        if self._given:
            raise ValueError(f"this command has no parameter {', '.join(map(repr, self._given))}")

    def _one_of(self, name: str, choices: dict[str, Choice], default: Choice) -> Choice:
        given = self._given.pop(name, None)
        if given is None:
            return default
        if given not in choices:
            raise ValueError(f"the parameter {name!r} must be one of {', '.join(choices)}, not {given!r}")
        return choices[given]


class Control:
    """Listens on 127.0.0.1 while its context lasts."""

    def __init__(self, proxy: FaultProxy, *, port: int = 0) -> None:
        self.port = port
        self._proxy = proxy
        self._chaos: Chaos | None = None
        self._server: asyncio.Server | None = None
        self._tasks = Tasks()
        # Each reads its parameters and returns what is then to be done: nothing happens when one is wrong.
        self._verbs: dict[str, Callable[[Parameters], Callable[[], object]]] = {
            "/cut": lambda given: partial(proxy.cut, given.word("ending", Ending.RESET)),
            "/cut-after": lambda given: partial(
                proxy.cut_after,
                given.whole("size"),
                given.direction(Direction.DOWN),
                given.word("ending", Ending.RESET),
            ),
            "/black-hole": lambda given: partial(proxy.black_hole, given.direction()),
            "/stall": lambda given: partial(proxy.stall, given.direction()),
            "/trickle": lambda given: partial(
                proxy.trickle, given.direction(), interval=given.number("interval", 0.001)
            ),
            "/delay": lambda given: partial(proxy.delay, given.number("seconds"), given.direction()),
            "/release": lambda given: partial(proxy.release, given.direction()),
            "/refuse-upgrades": lambda given: partial(
                proxy.refuse_upgrades,
                given.word("refusal", Refusal.FORBIDDEN),
                cut_established=given.flag("cut_established"),
            ),
            "/allow-upgrades": lambda given: proxy.allow_upgrades,
            "/lose-responses": lambda given: partial(
                proxy.lose_responses, given.whole("count", 1), path=given.text("path")
            ),
            "/repeat-posts": lambda given: partial(
                proxy.repeat_posts,
                given.whole("count", 1),
                path=given.text("path"),
                answer=given.word("answer", Answer.FIRST),
                lag=given.number("lag", 0.0),
            ),
            "/offline": lambda given: proxy.offline,
            "/online": lambda given: proxy.online,
            "/target": lambda given: partial(proxy.target, given.whole("port")),
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        await self._tasks.close()
        await self._calm()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.spawn(self._serve(reader, writer))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await _read_request(reader)
            if head is not None:
                writer.write(await self._answer(head))
                await writer.drain()
        except ConnectionError:
            # Who left before the answer does not want it.
            pass
        finally:
            writer.close()

    async def _answer(self, head: RequestHead) -> bytes:
        try:
            await self._carry_out(head)
            status, content = "200 OK", json.dumps(asdict(self._proxy.statistics()))
        except ValueError as error:
            status, content = "400 Bad Request", json.dumps({"error": str(error)})
        return (
            f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nConnection: close\r\n"
            f"Content-Length: {len(content)}\r\n\r\n{content}"
        ).encode()

    async def _carry_out(self, head: RequestHead) -> None:
        address = urlsplit(head.path)
        given = Parameters(address.query)
        match head.method, address.path:
            case "GET", "/statistics":
                given.refuse_others()
            case "POST", "/chaos":
                await self._start_chaos(given)
            case "POST", "/calm":
                given.refuse_others()
                await self._calm()
            case "POST", verb if verb in self._verbs:
                carry_out = self._verbs[verb](given)
                given.refuse_others()
                carry_out()
            case _:
                verbs = ", ".join([*self._verbs, "/chaos", "/calm"])
                raise ValueError(f"{head.method} {address.path} is no command; there are POST {verbs}; GET /statistics")

    async def _start_chaos(self, given: Parameters) -> None:
        chaos = self._proxy.chaos(
            given.whole("seed", 0),
            cuts_per_second=given.number("cuts_per_second", 15.0),
            inside=given.number("inside", 0.5),
            disturbances_per_second=given.number("disturbances_per_second", 4.0),
            longest=given.number("longest", 0.2),
            path=given.text("path"),
        )
        given.refuse_others()
        await self._calm()
        self._chaos = chaos
        chaos.start()

    async def _calm(self) -> None:
        chaos, self._chaos = self._chaos, None
        if chaos is not None:
            await chaos.stop()
        self._proxy.calm()


async def _read_request(reader: asyncio.StreamReader) -> RequestHead | None:
    """The head of a request whose body, which says nothing here, has been read; None when there is none."""
    requests, head = RequestStream(), None
    while received := await reader.read(65_536):
        for piece in requests.feed(received):
            if isinstance(piece.head, RequestHead):
                head = piece.head
            if piece.ends:
                return head
    return None
