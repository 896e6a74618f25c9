"""Pages of other sites, in the browser of somebody who is logged in here: they reach nothing, and are told nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from antiphon import Arrival, Server
from antiphon.protocol.packets import Ack, Call
from tests.hosts.rig import Http, Site, hello, message, served
from tests.wire.frames import upgrade

EVIL = "https://evil.example"
COOKIE = "session=ann"
VERBS = ("attach", "stream", "poll", "push", "leave")
# What a form can send, or a script without asking first (a "simple" request of CORS).
SIMPLE = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")


class Bank:
    """An application that knows people by their cookies."""

    def __init__(self, site: Site, asked: list[Arrival]) -> None:
        self.site, self.asked = site, asked


@pytest.fixture
async def bank() -> AsyncIterator[Bank]:
    server, asked = Server(), list[Arrival]()

    @server.authenticate
    async def who(auth: Any, request: Arrival) -> str | None:
        asked.append(request)
        return request.headers.get("cookie", "").removeprefix("session=") or None

    async with served(server) as site:
        yield Bank(site, asked)


async def test_a_page_of_another_site_opens_no_websocket_with_somebodys_cookies(bank: Bank) -> None:
    answer = await bank.site.talk(upgrade("/antiphon", f"Origin: {EVIL}\r\nCookie: {COOKIE}\r\nConnection: close"))

    assert answer.startswith(b"HTTP/1.1 403 ")
    assert bank.asked == [] and bank.site.server.statistics().sessions_made == 0


@pytest.mark.parametrize("content_type", [*SIMPLE, "application/msgpack", "application/json"])
@pytest.mark.parametrize("verb", VERBS)
async def test_it_posts_nothing_either_whatever_the_body_says_it_is(bank: Bank, verb: str, content_type: str) -> None:
    headers = {"Origin": EVIL, "Cookie": COOKIE, "Content-Type": content_type}

    async with bank.site.http.post(f"{bank.site.url}/{verb}", data=hello(), headers=headers) as response:
        status, told = response.status, dict(response.headers)

    assert status == 403
    assert not [name for name in told if name.startswith("Access-Control")]
    assert bank.asked == [] and bank.site.server.statistics().sessions_made == 0


@pytest.mark.parametrize("content_type", SIMPLE)
async def test_a_simple_request_is_none_of_ours_even_where_a_browser_leaves_the_origin_out(
    bank: Bank, content_type: str
) -> None:
    for verb in VERBS[:-1]:
        async with bank.site.post(verb, hello(), {"Content-Type": content_type, "Cookie": COOKIE}) as response:
            assert response.status == 415, verb

    assert bank.asked == []


@pytest.mark.parametrize("path", ["", *(f"/{verb}" for verb in VERBS)])
async def test_an_image_or_a_script_of_another_site_gets_nothing(bank: Bank, path: str) -> None:
    # Browsers name no origin with these, so nothing may depend on it. And there is no JSONP.
    query = "?callback=alert&key=" + "k" * 43

    async with bank.site.http.get(f"{bank.site.url}{path}{query}", headers={"Cookie": COOKIE}) as response:
        assert response.status == (405 if path else 426)
        assert response.headers["Content-Type"].startswith("text/plain")
        assert "alert" not in await response.text()
    assert bank.asked == []


async def test_what_stands_in_an_address_is_no_credential(bank: Bank) -> None:
    ann = Http(bank.site)
    await ann.attach()
    query = f"?Antiphon-Session={ann.sid}&Antiphon-Key={ann.key}&Antiphon-Attempt=1&Antiphon-Request=1&key={ann.key}"

    async with bank.site.post(f"push{query}", message(1, Ack(0))) as response:
        nowhere = response.status
    async with bank.site.post(f"push{query}", message(1, Ack(0)), ann.headers(key="")) as response:
        in_place_of_the_header = response.status

    assert (nowhere, in_place_of_the_header) == (400, 401)


# -- DNS rebinding: the page's own name points at this server


HOSTS = ["app.example", "[::1]:8000"]


@pytest.fixture
async def named() -> AsyncIterator[Site]:
    async with served(Server(hosts=HOSTS)) as site:
        yield site


async def statuses(site: Site, host: str, **headers: str) -> dict[str, int]:
    """What a page of `host`, which asks for its own origin, is answered on each way in."""
    said = {"Host": host, "Origin": f"http://{host}", **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    opening = upgrade("/antiphon", f"{lines}Connection: Upgrade").replace(b"Host: localhost\r\n", b"")
    answers = {"websocket": await site.talk(opening + b"\x88\x80\0\0\0\0")}
    for verb in VERBS:
        head = f"POST /antiphon/{verb} HTTP/1.1\r\n{lines}Connection: close\r\nContent-Length: 0\r\n\r\n"
        answers[verb] = await site.talk(head.encode())
    head = f"OPTIONS /antiphon/push HTTP/1.1\r\n{lines}Connection: close\r\n\r\n"
    answers["preflight"] = await site.talk(head.encode())
    return {name: int(answer.split()[1]) for name, answer in answers.items()}


@pytest.mark.parametrize("host", ["evil.example", "app.example.evil.example", "127.0.0.1", "[::1]:8001"])
async def test_a_page_whose_name_was_pointed_here_is_refused_on_every_way_in(named: Site, host: str) -> None:
    assert set((await statuses(named, host)).values()) == {421}
    assert named.server.statistics().sessions_made == 0


@pytest.mark.parametrize("host", ["app.example", "APP.example:8443", "[::1]:8000"])
async def test_who_asks_for_a_listed_host_comes_in(named: Site, host: str) -> None:
    answered = {
        "websocket": 101,
        "attach": 415,
        "stream": 415,
        "poll": 415,
        "push": 415,
        "leave": 400,
        "preflight": 204,
    }

    assert await statuses(named, host) == answered


async def test_the_host_is_the_one_that_a_trusted_proxy_was_asked_for() -> None:
    async with served(Server(hosts=HOSTS)) as trusting, served(Server(hosts=HOSTS, trusted_proxies=[])) as wary:
        for site, host, forwarded, status in (
            (trusting, "10.0.0.1:8000", "app.example", 101),
            (trusting, "app.example", "evil.example", 421),
            (wary, "evil.example", "app.example", 421),
        ):
            origin = {"Origin": f"http://{forwarded if site is trusting else host}"}
            answers = await statuses(site, host, **{"X-Forwarded-Host": forwarded, **origin})
            assert answers["websocket"] == status


async def test_without_a_list_every_name_is_the_servers_own(site: Site) -> None:
    """The weaker half, which docs/security.md tells: only a list keeps such a page out of a server without users."""
    assert (await statuses(site, "evil.example"))["websocket"] == 101


async def test_a_session_that_was_made_by_a_page_is_of_no_use_to_another(bank: Bank) -> None:
    ann = Http(bank.site)
    await ann.attach()

    async with bank.site.post(
        "push", message(1, Call(1, "/", "echo", [])), {**ann.headers(), "Origin": EVIL}
    ) as response:
        assert response.status == 403
