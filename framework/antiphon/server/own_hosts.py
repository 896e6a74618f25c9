"""Which names a server may be asked for by: a page whose name was pointed at its address has another."""

from __future__ import annotations

import re
from collections.abc import Sequence

from antiphon.server.proxies import HOST

__all__ = ["OwnHosts"]

PORT = re.compile(r":[0-9]+\Z")


class OwnHosts:
    """The hosts that were listed; where none was, any.

    An attacker's page can have its own name point at this server's address (DNS rebinding). Then it asks for what is
    its own origin, and only the name that it asks for tells it from a page of the server's.
    """

    def __init__(self, listed: Sequence[str]) -> None:
        """Raises ValueError for what is no host."""
        if isinstance(listed, str):
            raise ValueError(f'hosts is a list of hosts, so write ["{listed}"]')
        for host in listed:
            if not HOST.fullmatch(host):
                raise ValueError(
                    f'a host is a name or an address, like "app.example" or with a port, and without a scheme, '
                    f"not {host!r}"
                )
        self._listed = frozenset(host.lower() for host in listed)

    def refusal(self, host: str) -> str | None:
        """Why a request that asks for `host` is turned away; None when it may come in.

        One that is listed without a port may be asked for at any.
        """
        asked = host.lower()
        if not self._listed or (HOST.fullmatch(asked) and not self._listed.isdisjoint((asked, PORT.sub("", asked)))):
            return None
        return f"this server is not found as {host[:80]!r}; ask for a host that Server(hosts=[...]) lists"
