"""The proxy as a program: `python -m antiphon.testing.proxy --listen PORT --target PORT --control PORT`."""

import argparse
import asyncio
import json
import signal
import ssl
from contextlib import AsyncExitStack

from antiphon.testing.proxy.control import Control
from antiphon.testing.proxy.fault_proxy import FaultProxy


def parser() -> argparse.ArgumentParser:
    arguments = argparse.ArgumentParser(
        prog="python -m antiphon.testing.proxy",
        description="A TCP proxy on 127.0.0.1 that breaks connections on purpose. Once it listens it prints one line "
        "of JSON with the addresses, and it runs until SIGINT or SIGTERM. The commands of the control port: "
        "see antiphon.testing.proxy.control.",
    )
    arguments.add_argument("--listen", type=int, default=0, metavar="PORT", help="port for clients (0: any free one)")
    arguments.add_argument("--target", type=int, required=True, metavar="PORT", help="port of the server behind")
    arguments.add_argument("--target-host", default="127.0.0.1", metavar="HOST", help="host of the server behind")
    arguments.add_argument("--control", type=int, metavar="PORT", help="port for commands over HTTP (0: any free one)")
    arguments.add_argument("--certificate", metavar="FILE", help="speak TLS to clients, with this certificate chain")
    arguments.add_argument("--private-key", metavar="FILE", help="its key, unless it is in the same file")
    return arguments


async def run(options: argparse.Namespace) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    context = None
    if options.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.certificate, options.private_key)
    async with AsyncExitStack() as stack:
        proxy = FaultProxy(options.target_host, options.target, port=options.listen, ssl_context=context)
        await stack.enter_async_context(proxy)
        addresses = {"url": proxy.url, "port": proxy.port}
        if options.control is not None:
            control = await stack.enter_async_context(Control(proxy, port=options.control))
            addresses |= {"control": control.url, "control_port": control.port}
        print(json.dumps(addresses), flush=True)
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(run(parser().parse_args()))
