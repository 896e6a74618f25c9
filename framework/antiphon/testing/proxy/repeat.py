"""The same request once more, over a connection of its own."""

import asyncio
from collections.abc import AsyncGenerator

from antiphon.testing.proxy.http_stream import ResponseStream
from antiphon.testing.proxy.pieces import Piece


async def ask_again(target: tuple[str, int], request: bytes) -> AsyncGenerator[Piece]:
    """The pieces of the answer to a POST; the last one ends. Raises OSError when the answer is not complete."""
    reader, writer = await asyncio.open_connection(*target)
    try:
        writer.write(request)
        await writer.drain()
        answer = ResponseStream()
        answer.expect("POST")
        received = None
        while received != b"":
            received = await reader.read(65_536)
            for piece in answer.feed(received) or ([] if received else answer.finish()):
                yield piece
                if piece.ends:
                    return
        raise ConnectionResetError("the server ended the connection before the repeated POST was answered")
    finally:
        writer.transport.abort()
