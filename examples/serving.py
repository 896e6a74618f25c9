"""An example as a command: where it listens, on which loop, and how it stops."""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import socket
import sys
from collections.abc import Callable

from aiohttp import web

from antiphon.hosts.aiohttp import drain_on_signals, quiet_bad_requests, runner_options

__all__ = ["run"]


def run(name: str, make_app: Callable[[], web.Application], about: str) -> None:
    """Serve the example until Ctrl-C; its module is `examples.<name>`."""
    parser = argparse.ArgumentParser(prog=f"python -m examples.{name}", description=about)
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on; 0.0.0.0 lets others in")
    parser.add_argument("--port", default=8000, type=int, help="0 takes a free one")
    options = parser.parse_args()

    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        # Opened here and not by aiohttp, so that the address is known (port 0) and what is wrong with it is one line.
        listener = socket.create_server((options.host, options.port), family=family)
    except (OSError, OverflowError) as error:
        reason = str(getattr(error, "strerror", None) or error).partition(" (")[0]
        sys.exit(f"The {name} cannot listen on {options.host} port {options.port} ({reason}); choose another one.")

    host, port = listener.getsockname()[:2]
    address = f"[{host}]:{port}" if family is socket.AF_INET6 else f"{host}:{port}"
    print(f"{name.capitalize()} on http://{address} (Ctrl-C stops it)", flush=True)
    app = make_app()
    drain_on_signals(app)
    quiet_bad_requests()
    web.run_app(app, sock=listener, loop=_new_loop(), print=None, access_log=None, **runner_options())


def _new_loop() -> asyncio.AbstractEventLoop:
    """A loop of uvloop where that is installed: it is the faster one, and nothing else changes."""
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()
