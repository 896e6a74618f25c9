"""`python -m tests.browser.front caddy 127.0.0.1:8000`: a proxy of docs/deploy.md, until SIGTERM; says where it is."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
from pathlib import Path

from tests.deploy.front import caddy, nginx


async def run(name: str, application: str) -> None:
    """Stand in front of `application`."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    with tempfile.TemporaryDirectory(prefix="antiphon-front-") as folder:
        async with {"caddy": caddy, "nginx": nginx}[name](application, Path(folder)) as front:
            print(json.dumps({"url": f"{front.url}/"}), flush=True)
            await stopped.wait()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2]))
