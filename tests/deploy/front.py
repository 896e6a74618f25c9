"""A proxy of Debian's as a child process, in front of an application."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.deploy.page import block

__all__ = ["Front", "bare_nginx", "caddy", "free_port", "listening", "nginx", "program"]

PATIENCE = 20.0
# What nginx wants to know where nothing is installed for it: all of it in one folder, and one process that does not
# change its user.
NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{block}
}}
"""
BARE = """
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://{application};
    }}
}}
"""
# No certificates from the internet, none installed on this machine, and no port but ours.
CADDY = """
{{
    admin off
    skip_install_trust
    auto_https disable_redirects
    http_port {http}
    https_port {port}
    log {{
        level WARN
    }}
}}
{block}
"""


class Front(NamedTuple):
    """Where clients find the application, and what tells them that it is it."""

    url: str
    trust: ssl.SSLContext | None = None


def program(name: str) -> str:
    """Where a program of Debian's is; those that are for administrators are on nobody else's PATH."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/bin:/usr/sbin")
    if found is None:
        pytest.fail(f"{name} is missing, in front of which docs/deploy.md is tested (Debian: apt-get install {name})")
    return found


def free_port() -> int:
    """A port that nobody has; whoever wants it takes it a moment later."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@asynccontextmanager
async def caddy(application: str, folder: Path) -> AsyncIterator[Front]:
    """Caddy with the block of the page; the certificate is one of its own."""
    port = free_port()
    text = block("caddyfile", site=f"https://localhost:{port} {{", application=application)
    config = folder / "Caddyfile"
    config.write_text(CADDY.format(http=free_port(), port=port, block=text))
    data = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    async with _running([program("caddy"), "run", "--adapter", "caddyfile", "--config", str(config)], port, data):
        root = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        trust = ssl.create_default_context(cafile=str(root))
        await _speaks_tls(port, trust)
        yield Front(f"https://localhost:{port}", trust)


@asynccontextmanager
async def nginx(application: str, folder: Path) -> AsyncIterator[Front]:
    """nginx with the block of the page, and a certificate that openssl makes."""
    port = free_port()
    certificate, key = folder / "app.pem", folder / "app.key"
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    made = (*("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"), "-keyout", str(key), "-out", str(certificate))
    openssl = await asyncio.create_subprocess_exec(program("openssl"), "req", *made, *names, stderr=subprocess.DEVNULL)
    assert await openssl.wait() == 0
    text = block(
        "nginx",
        application=application,
        listen=f"listen 127.0.0.1:{port} ssl;",
        name="server_name localhost;",
        certificate=certificate,
        key=key,
    )
    async with _nginx(text, port, folder):
        yield Front(f"https://localhost:{port}", ssl.create_default_context(cafile=str(certificate)))


@asynccontextmanager
async def bare_nginx(application: str, folder: Path) -> AsyncIterator[Front]:
    """nginx with nothing but proxy_pass, as many have it at first."""
    port = free_port()
    async with _nginx(BARE.format(port=port, application=application), port, folder):
        yield Front(f"http://127.0.0.1:{port}")


@asynccontextmanager
async def _nginx(text: str, port: int, folder: Path) -> AsyncIterator[None]:
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, block=text))
    async with _running([program("nginx"), "-p", str(folder), "-c", str(config)], port, {}):
        yield


@asynccontextmanager
async def _running(command: Sequence[str], port: int, environment: Mapping[str, str]) -> AsyncIterator[None]:
    """A child process, from when it listens on `port` to its end. What it complains of is told if it does not start."""
    child = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert child.stderr is not None
    complaints = asyncio.create_task(child.stderr.read())
    try:
        if not await listening(port, child):
            pytest.fail(f"{command[0]} did not start:\n{(await complaints).decode()}")
        yield
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
        await complaints


async def listening(port: int, child: asyncio.subprocess.Process) -> bool:
    """Wait until a child process listens; False if it ended instead."""
    async with asyncio.timeout(PATIENCE):
        while not await _listens(port):
            if child.returncode is not None:
                return False
    return True


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        await asyncio.sleep(0.02)  # a process of somebody else's tells nobody when it is ready
        return False
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()
    return True


async def _speaks_tls(port: int, trust: ssl.SSLContext) -> None:
    """Wait until the certificate is there: Caddy listens before it has made one."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="localhost")
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
            return
