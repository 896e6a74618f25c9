"""The server that the scenarios with foreign clients share, and what it heard."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web
from aiohttp.test_utils import TestServer, get_port_socket

from antiphon import Client, ClientNamespace, Disconnected, Refused, Server, Socket
from antiphon.config import Socketio
from antiphon.hosts.aiohttp import mount
from tests.hosts.rig import PATIENCE, Site
from tests.interop.clients import Clients, IoClient, Wire

__all__ = ["Io", "native", "only", "serve", "with_handlers"]


def with_handlers(server: Server, heard: list[Any]) -> Server:
    """A server whose namespaces "/" and "/chat" answer, and tell `heard` what they hear.

    "/" takes in whoever does not say `{"token": "wrong"}`; "/members" only those with `{"token": "open"}`.
    """
    root, chat, members = map(server.namespace, ("/", "/chat", "/members"))
    for namespace in (root, chat, members):

        @namespace.on_disconnect
        async def disconnect(socket: Socket, reason: Disconnected) -> None:
            heard.append(("disconnect", socket.namespace.name, str(reason.code)))

        @namespace.on("note")
        async def note(socket: Socket, *args: Any) -> None:
            heard.append(("note", *args))

        @namespace.on("echo")
        async def echo(socket: Socket, *args: Any) -> tuple[Any, ...]:
            return args

        @namespace.on("where")
        async def where(socket: Socket) -> str:
            return socket.namespace.name

        @namespace.on("join")
        async def join(socket: Socket, *rooms: str) -> None:
            await socket.join(*rooms)

        @namespace.on("leave")
        async def leave(socket: Socket, *rooms: str) -> None:
            await socket.leave(*rooms)

        @namespace.on("back")
        async def back(socket: Socket, *args: Any) -> None:
            await socket.emit("back", *args)

    @root.on_connect
    async def connect(socket: Socket, auth: Any) -> None:
        heard.append(("connect", auth))
        if auth == {"token": "wrong"}:
            raise Refused("who are you?", {"wanted": "token"})

    @members.on_connect
    async def admit(socket: Socket, auth: Any) -> None:
        if auth != {"token": "open"}:
            raise Refused("members only")

    return server


@asynccontextmanager
async def serve(
    server: Server, socketio: Socketio | bool = True, *, port: int | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Site]:
    """Serve it on `port`, or on one that is free. Clients may come back at once when it stops."""
    app = web.Application()
    mount(app, server, socketio=socketio, window=None, patience=1.0)
    listening: list[socket.socket] = []

    def listen(host: str, port: int, family: socket.AddressFamily) -> socket.socket:
        listening.append(get_port_socket(host, port, family))
        return listening[-1]

    test = TestServer(app, scheme="https" if tls else "http", port=port, socket_factory=listen)
    await test.start_server(ssl=tls)
    async with test, aiohttp.ClientSession() as http:
        try:
            yield Site(app, server, http, test)
        finally:
            await _accept_no_more(listening)


async def _accept_no_more(listening: list[socket.socket]) -> None:
    # A connection that asyncio has accepted and not handed on yet when the server closes is closed by nobody: its
    # transport fails an assertion before anybody knows of it. These clients make a connection for each poll.
    loop = asyncio.get_running_loop()
    for each in listening:
        loop.remove_reader(each)
    for _ in range(5):
        await asyncio.sleep(0)


@asynccontextmanager
async def native(site: Site, **options: Any) -> AsyncIterator[ClientNamespace]:
    """A native client that was let in at "/"; `options` are those of Client."""
    client = Client(site.url, **options)
    member = client.namespace()
    try:
        async with asyncio.timeout(PATIENCE):  # it would try for ever
            await client.connect()
            await member.ready()
        yield member
    finally:
        await client.close()


def only(server: Server, namespace: str = "/") -> Socket:
    """The one socket in a namespace."""
    [socket] = server.namespace(namespace).sockets
    return socket


class Io:
    """What opens socket.io-clients over one choice of transports."""

    def __init__(self, clients: Clients, wire: Wire) -> None:
        self.wire = wire
        self.clients = clients

    def open(self, site: Site | str, namespace: str = "", **options: Any) -> IoClient:
        """A client that is about to connect. `site` may be an origin, of a proxy for instance."""
        return self.clients.open(site if isinstance(site, str) else site.origin, self.wire, namespace, **options)

    async def connect(self, site: Site | str, namespace: str = "", **options: Any) -> IoClient:
        """One that was let in. With "upgrade" it may not have upgraded yet."""
        client = self.open(site, namespace, **options)
        await client.connected()
        return client

    async def settle(self, client: IoClient) -> None:
        """Wait until no other transport is to come."""
        if self.wire == "upgrade":
            await client.upgraded()
