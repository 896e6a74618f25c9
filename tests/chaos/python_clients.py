"""The Python clients of one run, in a process of their own: `python -m tests.chaos.python_clients OPTIONS`.

A command is a line on standard input (connect, begin, stop, record), its answer a line of JSON. The end of the input is
the goodbye. node_clients.mjs does the same for the browser client.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

from tests.chaos.complaints import Complaints
from tests.chaos.python_client import PythonClient


async def obey(command: str, clients: list[PythonClient], complaints: Complaints) -> dict[str, Any]:
    """Carry out one command; what is returned goes to who gave it."""
    match command:
        case "connect":
            await asyncio.gather(*(client.connect() for client in clients))
        case "begin":
            for client in clients:
                client.begin()
        case "stop":
            for client in clients:
                client.stop()
        case "record":
            return {
                "sides": {client.name: client.side.to_json() for client in clients},
                "done": all(client.done for client in clients),
                "complaints": complaints.heard,
                "attaches": sum(client.attaches for client in clients),
                "cpu": time.process_time(),
            }
        case _:
            raise ValueError(f"{command!r} is no command; connect, begin, stop and record are")
    return {}


async def main(options: dict[str, Any]) -> None:
    """Obey until the input ends."""
    clients = [
        PythonClient(name, tuple(transports), options["url"], options["rate"])
        for name, transports in options["clients"].items()
    ]
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    with Complaints() as complaints:
        while line := await lines.readline():
            print(json.dumps(await obey(line.decode().strip(), clients, complaints)), flush=True)
        await asyncio.gather(*(client.close() for client in clients))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
