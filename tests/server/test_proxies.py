"""Whose word on an address, a scheme and a host is taken."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import pytest

from antiphon import Server
from antiphon.server.proxies import LOOPBACK, Proxies, Visit

INTERNAL = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "fd00::/8")
STRANGER = "203.0.113.9"


def visit(
    peer: str = "127.0.0.1",
    trusted: Sequence[str] = INTERNAL,
    *,
    for_: Sequence[str] = (),
    proto: Sequence[str] = (),
    host: Sequence[str] = (),
) -> Visit:
    """A request for http://app:8000 from `peer`, with these header lines."""
    lines = {"X-Forwarded-For": for_, "X-Forwarded-Proto": proto, "X-Forwarded-Host": host}
    return Proxies(trusted).visit(peer, "http", "app:8000", lambda name: lines[name])


# -- who is believed


def test_a_request_without_a_proxy_is_what_it_says_itself() -> None:
    assert visit(STRANGER) == Visit(STRANGER, "http", "app:8000")
    assert visit("127.0.0.1") == Visit("127.0.0.1", "http", "app:8000")


def test_a_trusted_proxy_says_who_asks_and_for_what() -> None:
    told = visit(for_=["198.51.100.7"], proto=["https"], host=["app.example"])

    assert told == Visit("198.51.100.7", "https", "app.example")


@pytest.mark.parametrize("peer", [STRANGER, "11.0.0.1", "2001:db8::1", "", "nonsense"])
def test_from_anybody_else_the_headers_are_ignored(peer: str) -> None:
    told = visit(peer, for_=["198.51.100.7"], proto=["https"], host=["app.example"])

    assert told == Visit(peer, "http", "app:8000")


def test_nobody_is_trusted_where_nobody_is_listed() -> None:
    assert visit("127.0.0.1", [], for_=["198.51.100.7"], proto=["https"]) == Visit("127.0.0.1", "http", "app:8000")


def test_by_default_a_proxy_on_the_same_machine_is_trusted_and_no_other() -> None:
    def believed(peer: str) -> bool:
        headers = {"X-Forwarded-For": ["198.51.100.7"]}
        visit = Server().proxies.visit(peer, "http", "x", lambda name: headers.get(name, ()))
        return visit.address == "198.51.100.7"

    assert believed("127.0.0.1") and believed("127.8.9.10") and believed("::1")
    assert not believed("10.0.0.1") and not believed("192.168.0.1") and not believed("fe80::1") and not believed("")


def test_a_peer_on_a_unix_socket_is_trusted_only_if_that_is_listed() -> None:
    assert visit("", LOOPBACK, for_=["198.51.100.7"]).address == ""
    assert visit("", ["unix"], for_=["198.51.100.7"]).address == "198.51.100.7"
    assert visit("", ["unix"]).address == ""
    assert visit("127.0.0.1", ["unix"], for_=["198.51.100.7"]).address == "127.0.0.1"


def test_a_proxy_may_be_listed_by_its_address() -> None:
    assert visit("10.0.0.1", ["10.0.0.1"], for_=["198.51.100.7"]).address == "198.51.100.7"
    assert visit("10.0.0.2", ["10.0.0.1"], for_=["198.51.100.7"]).address == "10.0.0.2"


@pytest.mark.parametrize("trusted", ["10.0.0.0/33", "10.0.0.1/8", "proxy.example", "*", ""])
def test_what_is_no_network_is_not_listed(trusted: str) -> None:
    with pytest.raises(ValueError, match="a trusted proxy is a network or an address"):
        Server(trusted_proxies=[trusted])


def test_one_string_is_not_taken_for_a_list() -> None:
    with pytest.raises(ValueError, match=r'write \["10.0.0.0/8"\]'):
        Server(trusted_proxies="10.0.0.0/8")


# -- the address


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        pytest.param(["198.51.100.7, 10.0.0.9"], "198.51.100.7", id="through two trusted proxies"),
        pytest.param(["198.51.100.7", "10.0.0.9"], "198.51.100.7", id="in two lines"),
        pytest.param(["6.6.6.6, 198.51.100.7"], "198.51.100.7", id="what a client wrote itself is left of it"),
        pytest.param(["10.0.0.1, 198.51.100.7, 10.0.0.9"], "198.51.100.7", id="and may claim to be a proxy"),
        pytest.param(["127.0.0.1, 198.51.100.7"], "198.51.100.7", id="or this machine"),
        pytest.param(["10.1.1.1, 10.0.0.9"], "10.1.1.1", id="a client inside"),
        pytest.param(["127.0.0.1"], "127.0.0.1", id="a client on this machine"),
        pytest.param([" 198.51.100.7 ,\t10.0.0.9 "], "198.51.100.7", id="spaces"),
        pytest.param(["198.51.100.7:49152"], "198.51.100.7", id="a port"),
        pytest.param(["2001:DB8::7"], "2001:db8::7", id="IPv6"),
        pytest.param(["[2001:db8::7]"], "2001:db8::7", id="IPv6 in brackets"),
        pytest.param(["[2001:db8::7]:49152"], "2001:db8::7", id="IPv6 with a port"),
        pytest.param(["::ffff:198.51.100.7"], "198.51.100.7", id="IPv4 as IPv6"),
        pytest.param(["::ffff:10.0.0.9"], "10.0.0.9", id="a proxy's IPv4 as IPv6"),
        pytest.param(["fe80::1%eth0"], "fe80::1", id="a zone"),
    ],
)
def test_the_client_is_the_first_from_the_right_that_is_no_proxy(lines: list[str], address: str) -> None:
    assert visit(for_=lines).address == address


@pytest.mark.parametrize(
    "hop",
    [
        "unknown",
        "_hidden",
        "",
        "198.51.100",
        "198.51.100.7.8",
        "198.51.100.7:",
        "198.51.100.7:http",
        "198.51.100.7:123456",
        "198.51.100.7:\u0661",
        "[2001:db8::7",
        "[2001:db8::7]x",
        "[2001:db8::7]:",
        "01.2.3.4",
        '"198.51.100.7"',
        "198.51.100.7\x1b[31m",
        "198.51.100.7%eth0",
        "1" * 500,
    ],
)
def test_a_hop_that_is_no_address_is_as_if_it_were_absent(hop: str) -> None:
    assert visit(for_=[hop]).address == "127.0.0.1"
    assert visit(for_=[f"6.6.6.6, {hop}, 10.0.0.9"]).address == "10.0.0.9"


def test_ipv4_as_ipv6_is_one_address_for_the_peer_too() -> None:
    assert visit("::ffff:203.0.113.9").address == STRANGER
    assert visit("::ffff:127.0.0.1", for_=["198.51.100.7"]).address == "198.51.100.7"
    assert visit("fe80::1%eth0").address == "fe80::1"


def test_a_peer_that_is_no_address_is_told_in_one_short_line() -> None:
    assert visit("made\nup" + "x" * 500).address == r"made\nup" + "x" * 73 + "..."


def test_more_than_32_proxies_are_not_walked_through() -> None:
    assert visit(for_=["198.51.100.7" + ", 10.0.0.9" * 31]).address == "198.51.100.7"
    assert visit(for_=["198.51.100.7" + ", 10.0.0.9" * 32]).address == "10.0.0.9"
    assert visit(for_=["198.51.100.7"] + ["10.0.0.9"] * 32).address == "10.0.0.9"


def test_a_client_that_fills_the_header_does_not_hide_behind_it() -> None:
    assert visit(for_=["x," * 100_000 + STRANGER]).address == STRANGER
    assert visit(for_=["," * 8000] * 100 + [STRANGER]).address == STRANGER


def test_a_header_of_a_megabyte_takes_no_time() -> None:
    began = perf_counter()
    visit(for_=["10.0.0.9," * 111_111])

    assert perf_counter() - began < 0.5


# -- scheme and host


@pytest.mark.parametrize(
    ("lines", "scheme"),
    [
        (["https"], "https"),
        (["HTTPS"], "https"),
        (["http"], "http"),
        (["wss"], "https"),
        (["ws"], "http"),
        (["http, https"], "https"),
        (["http", "https"], "https"),
        (["https, http"], "http"),
        (["gopher"], "http"),
        ([""], "http"),
        ([], "http"),
    ],
)
def test_the_scheme_is_what_the_nearest_proxy_says(lines: list[str], scheme: str) -> None:
    assert visit(proto=lines).scheme == scheme


@pytest.mark.parametrize(
    ("lines", "host"),
    [
        (["app.example"], "app.example"),
        (["app.example:8443"], "app.example:8443"),
        (["[2001:db8::7]:8443"], "[2001:db8::7]:8443"),
        (["evil.example, app.example"], "app.example"),
        (["evil.example", "app.example"], "app.example"),
        (["app.example/path"], "app:8000"),
        (["user@app.example"], "app:8000"),
        (["app.example\r\nX: y"], "app:8000"),
        (["app.example:"], "app:8000"),
        (["x" * 261], "app:8000"),
        ([""], "app:8000"),
        ([], "app:8000"),
    ],
)
def test_the_host_is_what_the_nearest_proxy_says_if_it_can_be_one(lines: list[str], host: str) -> None:
    assert visit(host=lines).host == host
