"""antiphon in an aiohttp application, over real sockets."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from importlib.resources import files

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from antiphon import Client, Server, Socket
from antiphon.hosts.aiohttp import mount
from antiphon.protocol.packets import Ack, Call, Event, Reply, Welcome
from tests.hosts.rig import KEY, MSGPACK, Http, Site, hello, message, packets, served

FOREIGN = "http://evil.example"
LISTED = "https://app.example"


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with served(Server(origins=[LISTED])) as site:
        yield site


# -- mounting


async def test_it_is_mounted_where_the_application_wants_it() -> None:
    async with served(path="/live/v1") as site:
        client = Client(f"{site.origin}/live/v1")
        root = client.namespace("/")
        await client.connect()

        assert await root.call("echo", 1) == [1]
        await client.close()

        async with site.http.get(f"{site.origin}/live/v1/antiphon.js") as response:
            assert response.status == 200
        async with site.http.get(f"{site.origin}/antiphon") as response:
            assert response.status == 404


async def test_two_servers_live_in_one_application() -> None:
    app, clients = web.Application(), []
    for name in ("one", "two"):
        server = Server()
        mount(app, server, path=f"/{name}")

        @server.namespace("/").on("who")
        async def who(socket: Socket, name: str = name) -> str:
            return name

    async with TestServer(app) as test:
        for name in ("one", "two"):
            clients.append(Client(str(test.make_url(f"/{name}"))))
            root = clients[-1].namespace("/")
            await clients[-1].connect()
            assert await root.call("who") == name
        for client in clients:
            await client.close()


@pytest.mark.parametrize("transport", ["websocket", "sse", "longpoll"])
async def test_a_client_calls_and_is_called(site: Site, transport: str) -> None:
    @site.server.namespace("/").on("ask me")
    async def ask(socket: Socket) -> str:
        return f"{socket.transport}: {await socket.call('name')}"

    client = Client(site.url, transports=[transport])
    root = client.namespace("/")

    @root.on("name")
    async def name() -> str:
        return "Ann"

    await client.connect()
    assert await root.call("ask me") == f"{transport}: Ann"
    await client.close()


async def test_the_application_stops_at_once_although_clients_are_there(site: Site) -> None:
    polling, websocket = Http(site), Client(site.url, transports=["websocket"])
    await polling.attach()
    await websocket.connect()
    held = asyncio.ensure_future(polling.post("poll", message(1, Ack(1))).__aenter__())
    await asyncio.sleep(0)

    async with asyncio.timeout(3):
        await site.test.close()

    with pytest.raises(aiohttp.ClientError):
        while True:
            await held
            held = asyncio.ensure_future(polling.post("poll", message(1, Ack(1))).__aenter__())
    await websocket.close()


# -- the browser client


async def test_the_browser_client_is_served_with_the_right_type(site: Site) -> None:
    async with site.http.get(f"{site.url}/antiphon.js") as response:
        body = await response.read()

    assert response.status == 200
    assert response.headers["Content-Type"].partition(";")[0] == "text/javascript"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-cache"
    assert body == (files("antiphon") / "browser" / "antiphon.js").read_bytes()


async def test_the_browser_client_is_not_sent_again_when_it_is_the_same(site: Site) -> None:
    async with site.http.get(f"{site.url}/antiphon.js") as response:
        tag = response.headers["ETag"]

    async with site.http.get(f"{site.url}/antiphon.js", headers={"If-None-Match": tag}) as response:
        assert response.status == 304


# -- labels


async def test_no_answer_may_be_kept_by_a_cache(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    answers = [
        await site.post("attach", hello("x" * 43)),
        await ann.post("poll", message(1, Ack(0))),
        await ann.post("push", message(1, Ack(0))),
        await ann.post("push", message(1, Ack(0)), key="wrong"),
        await ann.post("push", message(1, Ack(0)), attempt="7"),
        await site.post("leave", b"{}"),
        await site.post("nothing", b""),
        await site.post("attach", b"", {"Content-Type": "text/plain"}),
        await site.post("attach", b"x" * 20_000),
        await site.http.get(site.url),
        await site.http.options(f"{site.url}/push"),
        await site.http.get(site.url, headers={"Origin": FOREIGN}),
        await site.post("push", b"", {"Origin": FOREIGN}),
    ]

    labels = [(a.headers.get("Cache-Control"), a.headers.get("X-Content-Type-Options")) for a in answers]

    assert labels == [("no-store", "nosniff")] * len(answers), [a.status for a in answers]


async def test_answers_have_the_form_of_the_request(site: Site) -> None:
    async with site.post("attach", hello()) as response:
        assert response.headers["Content-Type"] == MSGPACK
    text = '[0,0,[32,{"key":"' + "j" * 43 + '","attempt":1}]]'
    async with site.post("attach", text, {"Content-Type": "application/json; charset=utf-8"}) as response:
        assert response.headers["Content-Type"].startswith("application/json")
        assert (await response.text()).startswith("[0,0,[33,")


# -- statuses


async def test_what_is_not_there_or_not_asked_rightly_is_said_so(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    json = {"Content-Type": "application/json"}
    answers = {
        "a page at the WebSocket's address": (await site.http.get(site.url), 426),
        "an unknown verb": (await site.post("dance", b""), 404),
        "GET where POST is wanted": (await site.http.get(f"{site.url}/push"), 405),
        "PUT": (await site.http.put(f"{site.url}/push"), 405),
        "POST where the WebSocket is": (await site.http.post(site.url), 405),
        "no Content-Type": (
            await site.http.post(f"{site.url}/attach", data=b"", skip_auto_headers=["Content-Type"]),
            415,
        ),
        "a wrong Content-Type": (await site.post("attach", b"", {"Content-Type": "text/plain"}), 415),
        "a compressed body": (await site.post("push", b"", {"Content-Encoding": "gzip"}), 415),
        "another form than the session's": (await site.post("push", b"[1,0]", {**ann.headers(), **json}), 415),
        "text that is no text": (await site.post("attach", b"\xff\xfe", json), 400),
        "a Hello that is none": (await site.post("attach", b"\x93\x00\x00\xc0"), 400),
        "a beacon that is none": (await site.post("leave", b"[]"), 400),
        "no attempt": (await site.post("push", b"", {"Antiphon-Session": "s", "Antiphon-Key": KEY}), 400),
        "an attempt that is no number": (await ann.post("push", b"", attempt="-1"), 400),
        "a huge request number": (await ann.post("push", b"", request="9" * 400), 400),
        "an unknown session": (await ann.post("push", b"", session="nobody's"), 401),
        "a wrong key": (await ann.post("push", b"", key="w" * 43), 401),
        "no key": (await ann.post("push", b"", key=""), 401),
        "another attempt": (await ann.post("push", b"", attempt="2"), 409),
        "a Hello above its limit": (await site.post("attach", b"x" * (16 * 1024 + 1)), 413),
        "a push above the limit": (await ann.post("push", io.BytesIO(b"x" * ((1 << 20) + 1))), 413),
    }

    assert {what: answer.status for what, (answer, _) in answers.items()} == {
        what: status for what, (_, status) in answers.items()
    }
    assert all([await answer.text() for answer, _ in answers.values()]), "each says why"


async def test_a_fenced_request_learns_of_the_attempt_that_took_over(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    await ann.attach()

    async with ann.post("push", message(1, Ack(0)), attempt="1") as response:
        assert (response.status, response.headers["Antiphon-Reason"]) == (409, "fenced:2")


# -- polls and pushes


async def test_a_poll_is_held_and_answered_when_something_comes(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    async with ann.post("poll", message(1, Ack(0))) as response:
        assert len(packets(await response.read())) == 1  # joined

    held = asyncio.create_task(ann.post("poll", message(1, Ack(1))).__aenter__())
    await asyncio.sleep(0.05)
    assert not held.done()
    await site.server.namespace("/").emit("hi", 1)
    response = await held

    assert packets(await response.read()) == [Event("/", "hi", [1])]


async def test_a_newer_poll_releases_the_held_one_with_204(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    await ann.post("poll", message(1, Ack(0)))
    older = asyncio.create_task(ann.post("poll", message(1, Ack(1))).__aenter__())
    await asyncio.sleep(0.05)

    newer = asyncio.create_task(ann.post("poll", message(1, Ack(1))).__aenter__())

    response = await older
    assert (response.status, await response.read()) == (204, b"")
    await site.server.namespace("/").emit("hi")
    assert (await newer).status == 200


async def test_a_lost_answer_is_given_again(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    await ann.post("poll", message(1, Ack(0)))
    await site.server.namespace("/").emit("hi", 1)

    answers = []
    for _ in range(2):
        async with ann.post("poll", message(1, Ack(1))) as response:
            answers.append(packets(await response.read()))

    assert answers == [[Event("/", "hi", [1])]] * 2


async def test_a_doubled_post_is_handled_once_and_answered_twice(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    await ann.post("poll", message(1, Ack(0)))
    headers = ann.headers()

    for _ in range(2):
        async with site.post("push", message(1, Call(1, "/", "echo", ["once"])), headers) as response:
            [ack] = packets(await response.read())
            assert isinstance(ack, Ack)
    async with ann.post("poll", message(2, Ack(1))) as response:
        assert Reply(1, ["once"]) in packets(await response.read())

    assert site.server.statistics().duplicates == 1


async def test_a_beacon_shortens_the_window(site: Site) -> None:
    ann = Http(site)
    await ann.attach()
    [line] = site.server.registry
    body = f'{{"session":"{ann.sid}","key":"{ann.key}","attempt":1}}'

    async with site.post("leave", body, {"Content-Type": "text/plain"}) as response:
        assert response.status == 204

    assert not line.session.attached
    assert line.session.due < site.server.clock() + 11


# -- origins


async def refused(site: Site, headers: list[tuple[str, str]]) -> set[int]:
    """The statuses that each way in answers with."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    statuses = set()
    upgrade = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
    )
    for method, path, more in (
        ("GET", "", upgrade),
        *(
            ("POST", f"/{verb}", "Connection: close\r\nContent-Length: 0\r\n")
            for verb in ("attach", "stream", "poll", "push", "leave")
        ),
        ("OPTIONS", "/push", "Connection: close\r\n"),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(f"{method} /antiphon{path} HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n{lines}{more}\r\n".encode())
        async with asyncio.timeout(5):
            statuses.add(int((await reader.readline()).split()[1]))
        writer.close()
    return statuses


@pytest.mark.parametrize(
    "origin",
    [
        FOREIGN,
        "null",
        "https://127.0.0.1",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "https://app.example.evil.example",
        "",
    ],
)
async def test_a_foreign_origin_is_refused_on_every_way_in(site: Site, origin: str) -> None:
    assert await refused(site, [("Origin", origin)]) == {403}


async def test_several_origins_are_refused_on_every_way_in(site: Site) -> None:
    statuses = await refused(site, [("Origin", site.origin), ("Origin", LISTED)])

    assert statuses <= {400, 403}


async def test_a_foreign_origin_gets_no_cors_answer(site: Site) -> None:
    async with site.post("attach", hello(), {"Origin": FOREIGN}) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "Server(origins=[...])" in await response.text()
    assert site.server.statistics().sessions_made == 0


@pytest.mark.parametrize("origin", [None, LISTED, "own"])
async def test_no_origin_a_listed_one_and_the_servers_own_come_in(site: Site, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": site.origin if origin == "own" else origin}

    async with site.post("attach", hello("p" * 43), headers) as response:
        assert response.status == 200
    async with site.websocket(headers) as socket:
        await socket.send_bytes(hello())
        [welcome] = packets((await socket.receive()).data)

    assert isinstance(welcome, Welcome)


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("shop.example", "http://shop.example"),
        ("shop.example:80", "http://shop.example"),
        ("shop.example:8000", "http://shop.example:8000"),
        ("Shop.Example", "http://shop.example"),
        ("[::1]:8000", "http://[::1]:8000"),
    ],
)
async def test_the_servers_own_origin_is_the_one_it_was_asked_for(site: Site, host: str, origin: str) -> None:
    async with site.post("attach", hello(), {"Host": host, "Origin": origin}) as response:
        assert response.status == 200


async def test_a_listed_origin_gets_cors_answers(site: Site) -> None:
    async with site.post("attach", hello(), {"Origin": LISTED}) as response:
        assert response.headers["Access-Control-Allow-Origin"] == LISTED
        assert response.headers["Access-Control-Expose-Headers"] == "Antiphon-Reason"
        assert response.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in response.headers


async def test_a_refusal_is_readable_for_a_listed_origin(site: Site) -> None:
    ann = Http(site)
    await ann.attach()

    async with site.post("push", b"", {**ann.headers(key="w" * 43), "Origin": LISTED}) as response:
        assert response.status == 401
        assert response.headers["Access-Control-Allow-Origin"] == LISTED


@pytest.mark.parametrize("verb", ["attach", "stream", "poll", "push", "leave"])
async def test_a_listed_origin_may_send_what_a_client_sends(site: Site, verb: str) -> None:
    headers = {
        "Origin": LISTED,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, antiphon-session, antiphon-key, antiphon-attempt, "
        "antiphon-request",
    }

    async with site.http.options(f"{site.url}/{verb}", headers=headers) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == LISTED
        assert response.headers["Access-Control-Allow-Methods"] == "POST"
        assert response.headers["Access-Control-Max-Age"] == "600"
        allowed = {name.strip().lower() for name in response.headers["Access-Control-Allow-Headers"].split(",")}

    assert allowed >= {name.strip() for name in headers["Access-Control-Request-Headers"].split(",")}
