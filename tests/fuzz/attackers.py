"""Clients that say mutants to a living server: over WebSockets, and as HTTP requests."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from contextlib import suppress
from itertools import count
from random import Random

from antiphon.config import Limits
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.protocol.codec import Codec
from antiphon.protocol.packets import Hello
from tests.fuzz import nasties
from tests.fuzz.corpus import FROM_CLIENT, frame, spelled
from tests.fuzz.mutator import Mutator, TokenMutator

__all__ = ["Attackers"]

# An answer that is not there by then is not waited for: many requests are cut off, or ask for a stream.
WAIT = 0.2
TOGETHER = 24
# Messages of one WebSocket, behind its Hello.
MESSAGES = 4
VERBS = (b"attach", b"stream", b"poll", b"push", b"leave")
CODECS: dict[str, Codec] = {"msgpack": MsgpackCodec(Limits()), "json": JsonCodec(Limits())}


class Attackers:
    """They share some keys, so that they resume and fence each other's sessions. `answers` counts the answers."""

    def __init__(self, port: int, seed: int) -> None:
        self.answers: Counter[str] = Counter()
        self._port = port
        self._random = Random(seed)
        self._attempts = count(1)
        self._keys = [f"{number:043}" for number in range(16)]
        said = {
            form: [spelled(codec, number, *packets) for packets in FROM_CLIENT for number in (1, 2)]
            for form, codec in CODECS.items()
        }
        self._mutators = {
            "msgpack": Mutator(said["msgpack"], seed, snippets=nasties.MSGPACK_VALUES),
            "json": TokenMutator(said["json"], seed, snippets=nasties.JSON_VALUES),
        }
        requests = [self._request(verb, form, said[form][0]) for verb in VERBS for form in CODECS]
        tokens = [
            *nasties.TEXTS,
            b"\r\n",
            b"\r\n\r\n",
            b"Content-Length: 5\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"9" * 30,
        ]
        self._requests = TokenMutator([*requests, self._upgrade()], seed, snippets=tokens)

    async def attack(self, inputs: int) -> None:
        """Say so many mutants, half of them to WebSockets."""
        gate = asyncio.Semaphore(TOGETHER)

        async def one(number: int) -> None:
            async with gate:
                await (self._say() if number % (MESSAGES + 1) == 0 else self._ask())

        # One WebSocket carries as many mutants as there are requests beside it.
        async with asyncio.TaskGroup() as group:
            for number in range(inputs * (MESSAGES + 1) // (2 * MESSAGES)):
                group.create_task(one(number))

    # -- WebSocket

    async def _say(self) -> None:
        random = self._random.random
        form = "json" if random() < 0.3 else "msgpack"
        hello = self._hello(form)
        messages = [self._mutators[form].mutant() for _ in range(MESSAGES)]
        if random() < 0.2:
            hello, messages[0] = messages[0], hello
        opcode = 1 if form == "json" else 2
        frames = [frame(opcode, message) for message in (hello, *messages)]
        if random() < 0.3:
            at = int(random() * len(frames))
            frames[at] = Mutator([frames[at]], int(random() * 2**32)).mutant()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(self._upgrade())
            head = await reader.readuntil(b"\r\n\r\n")
            self.answers[f"websocket {head[9:12].decode()}"] += 1
            for part in frames:
                writer.write(part)
                await asyncio.sleep(0)
            writer.write(frame(8, b"\x03\xe8"))
            await self._hear(reader, "websocket")
        except (ConnectionError, asyncio.IncompleteReadError):
            self.answers["websocket cut"] += 1
        finally:
            await _close(writer)

    def _hello(self, form: str) -> bytes:
        key = self._keys[int(self._random.random() * len(self._keys))]
        return spelled(CODECS[form], 0, Hello(key=key, attempt=next(self._attempts), joins=(("/", None),)))

    def _upgrade(self) -> bytes:
        key = base64.b64encode(self._random.randbytes(16)).decode()
        return (
            f"GET /antiphon HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        ).encode()

    # -- HTTP

    async def _ask(self) -> None:
        random = self._random.random
        if random() < 0.5:
            request = self._requests.mutant()
        else:
            form = "json" if random() < 0.5 else "msgpack"
            verb = VERBS[int(random() * len(VERBS))]
            hello = verb in (b"attach", b"stream") and random() < 0.3
            request = self._request(verb, form, self._hello(form) if hello else self._mutators[form].mutant())
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(request)
            await self._hear(reader, "request")
        except ConnectionError:
            self.answers["request cut"] += 1
        finally:
            await _close(writer)

    def _request(self, verb: bytes, form: str, body: bytes) -> bytes:
        """A request with a right head. It speaks for nobody: credentials are guessed like everything else."""
        return (
            b"POST /antiphon/%b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/%b\r\nConnection: close\r\n"
            b"Antiphon-Session: d6vYkR5mU8xC9oE4sG6iWA\r\nAntiphon-Key: %b\r\nAntiphon-Attempt: 1\r\n"
            b"Antiphon-Request: 1\r\nContent-Length: %d\r\n\r\n%b"
        ) % (verb, self._port, form.encode(), self._keys[0].encode(), len(body), body)

    async def _hear(self, reader: asyncio.StreamReader, whom: str) -> None:
        """Read until the server closes, or says nothing for a while."""
        first = b""
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(WAIT):
                    heard = await reader.read(65536)
                if not heard:
                    break
                first = first or heard
        if whom == "request":
            self.answers[first[9:12].decode("ascii", "replace") or "nothing"] += 1


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
