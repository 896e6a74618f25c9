"""Which pages may talk to a server."""

from __future__ import annotations

import pytest

from antiphon.server.origins import Origins


@pytest.mark.parametrize(
    ("origin", "scheme", "host"),
    [
        ("http://shop.example", "http", "shop.example"),
        ("http://shop.example:8000", "http", "shop.example:8000"),
        ("http://shop.example", "http", "shop.example:80"),
        ("https://shop.example", "https", "shop.example:443"),
        ("HTTPS://Shop.Example", "https", "shop.example"),
        ("http://[::1]:8000", "http", "[::1]:8000"),
        ("http://[::1]", "http", "[::1]:80"),
    ],
)
def test_the_servers_own_pages_may_connect(origin: str, scheme: str, host: str) -> None:
    assert Origins([]).refusal([origin], scheme, host) is None


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://shop.example.evil.example",
        "http://evil-shop.example",
        "http://shop.example:8001",
        "https://shop.example:8000",
        "http://shop.example",
        "http://shop.example:8000/",
        "http://shop.example:8000@evil.example",
        "",
        "null",
        "file://",
    ],
)
def test_other_pages_may_not(origin: str) -> None:
    assert Origins([]).refusal([origin], "http", "shop.example:8000") is not None


def test_a_client_without_origin_is_no_browser_and_may() -> None:
    assert Origins([]).refusal([], "http", "shop.example") is None


def test_several_origins_are_refused_even_when_each_may() -> None:
    own = "http://shop.example"

    assert Origins([]).refusal([own, own], "http", "shop.example") == "more than one Origin header"


def test_a_listed_origin_may_and_gets_cors_answers() -> None:
    origins = Origins(["https://app.example", "http://localhost:3000"])

    assert origins.refusal(["https://app.example"], "http", "api.example") is None
    assert origins.allowed("https://app.example")
    assert origins.allowed("HTTP://localhost:3000")


def test_the_servers_own_origin_needs_no_cors() -> None:
    assert not Origins(["https://app.example"]).allowed("http://api.example")


@pytest.mark.parametrize(
    "listed",
    ["app.example", "https://", "https://app.example/", "https://*.example", "https://a.example?x", "null"],
)
def test_what_is_no_origin_is_not_listed(listed: str) -> None:
    with pytest.raises(ValueError, match="an origin is a scheme and a host"):
        Origins([listed])


@pytest.mark.parametrize("origin", ["https://anything.example", "null", "file://"])
def test_a_star_lets_all_pages_in_and_none_of_them_with_its_cookies(origin: str) -> None:
    origins = Origins(["*", "https://app.example"])

    assert origins.refusal([origin], "http", "shop.example") is None
    assert origins.allowed(origin) and not origins.trusted(origin)
    assert origins.trusted("https://app.example")
    assert not origins.trusted("*")


def test_who_names_no_origin_needs_no_cors_even_of_a_star() -> None:
    assert not Origins(["*"]).allowed("")


def test_one_string_is_not_taken_for_a_list() -> None:
    with pytest.raises(ValueError, match=r'write \["https://app.example"\]'):
        Origins("https://app.example")


def test_a_refusal_names_the_remedy_and_quotes_no_novel() -> None:
    reason = Origins([]).refusal(["http://" + "x" * 5000], "http", "shop.example")

    assert reason is not None
    assert "Server(origins=[...])" in reason
    assert len(reason) < 350
