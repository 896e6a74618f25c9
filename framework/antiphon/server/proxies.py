"""Where a request comes from, and which server it asked for: of proxies that are trusted, what they say is believed."""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

from antiphon.protocol.loglines import one_line

__all__ = ["LOOPBACK", "UNIX", "Proxies", "Visit"]

# A proxy on the same machine, which is where most stand.
LOOPBACK = ("127.0.0.0/8", "::1/128")
# How a peer on a unix socket is listed: it has no address.
UNIX = "unix"

# So many proxies may stand behind each other. What stands further left in a header is not looked at, so that a client
# who fills it cannot keep anybody from finding the addresses that proxies have added on the right.
MOST_HOPS = 32
# IPv6 in brackets with a zone and a port; an address that is longer is none.
LONGEST_ADDRESS = 80
# Some proxies name the scheme of a WebSocket.
SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
HOST = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
LONGEST_HOST = 260

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


class Visit(NamedTuple):
    """One request: the network address of its client, "" where that is not known, and the server that it asked for."""

    address: str
    scheme: str
    host: str


class Proxies:
    """The networks whose X-Forwarded-For, -Proto and -Host are believed; from anybody else they are ignored."""

    def __init__(self, trusted: Sequence[str]) -> None:
        """Raises ValueError for what is no network."""
        if isinstance(trusted, str):
            raise ValueError(f'trusted_proxies is a list of networks, so write ["{trusted}"]')
        self._unix = UNIX in trusted
        self._networks = tuple(_network(network) for network in trusted if network != UNIX)

    def visit(self, peer: str, scheme: str, host: str, lines: Callable[[str], Sequence[str]]) -> Visit:
        """Who visits, by the address of the TCP connection, what the request itself says, and what its headers say.

        `lines` gives the header lines of a name, in order.
        """
        nearest = _address(peer)
        if not (self._unix if not peer else self._trusts(nearest)):
            return Visit(str(nearest or one_line(peer, LONGEST_ADDRESS)), scheme, host)
        return Visit(
            self._client(nearest, _last(lines("X-Forwarded-For"), MOST_HOPS)),
            SCHEMES.get("".join(_last(lines("X-Forwarded-Proto"), 1)).lower(), scheme),
            _host(_last(lines("X-Forwarded-Host"), 1)) or host,
        )

    def _client(self, nearest: Address | None, hops: Sequence[str]) -> str:
        """The first address from the right that is not trusted: whoever stands left of it may have been made up."""
        for hop in reversed(hops):
            address = _address(_without_port(hop))
            if address is None:
                break  # a proxy that is trusted does not know it, so nobody does
            nearest = address
            if not self._trusts(address):
                break
        return "" if nearest is None else str(nearest)

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def _network(network: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(network)
    except ValueError as error:
        raise ValueError(
            f'a trusted proxy is a network or an address, like "10.0.0.0/8", "10.0.0.1" or "{UNIX}" for unix sockets, '
            f"not {network!r}: {error}"
        ) from None


def _last(lines: Sequence[str], most: int) -> list[str]:
    """The last values of a header that is a list, which may be spread over lines."""
    values: list[str] = []
    for line in reversed(lines):
        values[:0] = line.rsplit(",", most)[-most:]
        if len(values) >= most:
            break
    return [value.strip(" \t") for value in values[-most:]]


@functools.lru_cache(1024)
def _address(text: str) -> Address | None:
    """An address, with IPv4 as IPv4 and without a zone, which says nothing to anybody else."""
    if len(text) > LONGEST_ADDRESS:
        return None
    try:
        address = ipaddress.ip_address(text.partition("%")[0] if ":" in text else text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _without_port(hop: str) -> str:
    """An address as proxies write it: 1.2.3.4, 1.2.3.4:80, ::1, [::1] or [::1]:80."""
    if hop.startswith("["):
        address, bracket, port = hop[1:].partition("]")
        return address if bracket and (not port or _is_port(port)) else ""
    if hop.count(":") == 1:
        address, _, port = hop.partition(":")
        return address if _is_port(":" + port) else ""
    return hop


def _is_port(text: str) -> bool:
    return text.isascii() and text[:1] == ":" and text[1:].isdigit() and len(text) <= 6


def _host(values: Sequence[str]) -> str | None:
    """A name or an address with or without a port; what else there may be is as if it were absent."""
    value = "".join(values)
    return value if len(value) <= LONGEST_HOST and HOST.fullmatch(value) else None
