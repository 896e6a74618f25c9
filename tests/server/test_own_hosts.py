"""Which names a server may be asked for by."""

from __future__ import annotations

import pytest

from antiphon.server.own_hosts import OwnHosts


@pytest.mark.parametrize("host", ["app.example", "evil.example:8000", "", "[::1]"])
def test_where_none_is_listed_any_may_be_asked_for(host: str) -> None:
    assert OwnHosts([]).refusal(host) is None


@pytest.mark.parametrize(
    ("listed", "host"),
    [
        ("app.example", "app.example"),
        ("app.example", "App.Example"),
        ("App.Example", "app.example"),
        ("app.example", "app.example:8443"),
        ("app.example:8443", "app.example:8443"),
        ("127.0.0.1", "127.0.0.1:8000"),
        ("[::1]", "[::1]"),
        ("[::1]", "[::1]:8000"),
        ("[::1]:8000", "[::1]:8000"),
    ],
)
def test_one_that_is_listed_may_be_asked_for(listed: str, host: str) -> None:
    assert OwnHosts(["other.example", listed]).refusal(host) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "app.example.evil.example",
        "evil-app.example",
        "app.example.",
        "app.example:8444",
        "app.example@evil.example",
        "app.example:8443:8443",
        "app.example ",
        "",
        ":8443",
        "::1",
        "[::1]",
    ],
)
def test_another_may_not(host: str) -> None:
    assert OwnHosts(["app.example:8443"]).refusal(host) is not None


@pytest.mark.parametrize("listed", ["https://app.example", "app.example/", "*.example", "", "::1", "a b"])
def test_what_is_no_host_is_not_listed(listed: str) -> None:
    with pytest.raises(ValueError, match="a host is a name or an address"):
        OwnHosts([listed])


def test_one_string_is_not_taken_for_a_list() -> None:
    with pytest.raises(ValueError, match=r'write \["app.example"\]'):
        OwnHosts("app.example")


def test_a_refusal_names_the_remedy_and_quotes_no_novel() -> None:
    reason = OwnHosts(["app.example"]).refusal("x" * 5000)

    assert reason is not None and "Server(hosts=[...])" in reason
    assert len(reason) < 250 and "app.example" not in reason, "what is listed is nobody's business"
