"""`python -m tests.sweep`: every byte in memory, and every 16th over sockets; says what broke."""

from __future__ import annotations

import asyncio
import sys

from tests.sweep.run import in_memory, over_sockets

KINDS = ("websocket", "sse", "longpoll")


def main() -> int:
    """Returns how many cuts broke something."""
    broken: list[str] = []
    for kind in KINDS:
        cuts, wrong = in_memory(kind, 1)
        print(f"{kind}: cuts={cuts} at every byte in memory, broken={len(wrong)}", flush=True)
        cuts, more = asyncio.run(over_sockets(kind, 16))
        print(f"{kind}: cuts={cuts} at every 16th byte over sockets, broken={len(more)}", flush=True)
        broken += wrong + more
    print(*broken[:20], sep="\n")
    return min(1, len(broken))


if __name__ == "__main__":
    sys.exit(main())
