"""The pond example: who swims where, who hears of it, what is eaten, and what a cut makes of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import pytest
from aiohttp import ClientSession

from antiphon import ConnectionRefused, Server
from antiphon.testing import TestClient, VirtualClock
from antiphon.testing.app_fixtures import AppClientFactory, AppUrl
from antiphon.testing.fixtures import ClientFactory
from examples.pond.__main__ import main
from examples.pond.app import make_app, serve_pond
from examples.pond.pond import FEWEST_FLAKES, Pond
from examples.pond.words import HEIGHT, WIDTH, Fish, Flake

Tick: TypeAlias = Callable[[], Awaitable[None]]
Visit: TypeAlias = Callable[..., Awaitable[TestClient]]


@pytest.fixture
def tick(antiphon_server: Server, antiphon_clock: VirtualClock) -> Tick:
    """The tick of a pond in which a flake falls every time, and into the same corner: nobody relies on luck."""
    return serve_pond(
        antiphon_server.namespace("/pond"), chance=lambda: 0.0, sleep=antiphon_clock.sleep, clock=antiphon_clock
    )


@pytest.fixture
def visit(tick: Tick, antiphon_client: ClientFactory) -> Visit:
    """Swims into a pond; what is told of it then has been read."""

    async def visit(name: str, pond: str = "lily", colour: str = "coral") -> TestClient:
        visitor = await antiphon_client("/pond", auth={"name": name, "colour": colour})
        await visitor.emit("enter", pond)
        return visitor

    return visit


async def water(visitor: TestClient) -> dict[str, Any]:
    """The pond as it was when the visitor came into it last."""
    [entered] = await visitor.next("entered")
    assert isinstance(entered, dict)
    return entered


def names(entered: dict[str, Any]) -> list[str]:
    return [fish["name"] for fish in entered["fish"]]


# -- who is let in


@pytest.mark.parametrize("name", ["", "   ", "x" * 25, "a\u202eb"])
async def test_what_is_no_name_is_refused_with_a_reason_for_the_page(visit: Visit, name: str) -> None:
    with pytest.raises(ConnectionRefused, match="1 to 24 characters"):
        await visit(name)


async def test_there_are_no_fish_of_other_colours(visit: Visit) -> None:
    with pytest.raises(ConnectionRefused, match="colour"):
        await visit("Ann", colour="url(javascript:)")


# -- who swims where


async def test_whoever_comes_sees_who_is_there_and_is_seen(visit: Visit) -> None:
    ann = await visit("Ann")

    ben = await visit("Ben", colour="sky")

    [came] = await ann.next("came")
    assert names(await water(ben)) == ["Ann", "Ben"]
    assert (came["id"], came["name"], came["colour"]) == (ben.id, "Ben", "sky")


async def test_others_in_the_pond_see_where_a_fish_swims_and_the_other_pond_does_not(visit: Visit) -> None:
    ann, ben, eve = await visit("Ann"), await visit("Ben"), await visit("Eve", "stone")

    await ann.emit("swim", 100, 200.5)

    assert await ben.next("swim") == (ann.id, 100, 200.5)
    await ann.nothing("swim")
    await eve.nothing("swim")


@pytest.mark.parametrize("place", [(-1, 5), (5, HEIGHT + 1), ("5", 5), (5, None)])
async def test_nobody_swims_out_of_the_pond(visit: Visit, place: tuple[Any, Any]) -> None:
    ann, ben = await visit("Ann"), await visit("Ben")

    await ann.emit("swim", *place)

    await ben.nothing("swim")


async def test_who_is_in_no_pond_is_seen_by_nobody(visit: Visit, antiphon_client: ClientFactory) -> None:
    ann = await visit("Ann")
    ghost = await antiphon_client("/pond", auth={"name": "Ghost", "colour": "pearl"})

    await ghost.emit("swim", 1, 1)
    await ghost.emit("ripple", 1, 1)

    await ann.nothing("swim")
    await ann.nothing("ripple")


async def test_a_fish_that_moves_leaves_one_pond_and_comes_into_the_other_with_its_score(
    visit: Visit, tick: Tick
) -> None:
    ann, ben, eve = await visit("Ann"), await visit("Ben"), await visit("Eve", "stone")
    await eat(ann, tick)

    await ann.emit("enter", "stone")

    assert await ben.next("left") == (ann.id,)
    [came] = await eve.next("came")
    assert (came["name"], came["score"]) == ("Ann", 2)


async def test_everybody_knows_how_many_swim_in_each_pond(visit: Visit) -> None:
    ann = await visit("Ann")
    assert await ann.next("ponds") == ({"lily": 1, "stone": 0},)

    ben = await visit("Ben", "stone")
    assert await ann.next("ponds") == ({"lily": 1, "stone": 1},)

    await ben.close()
    assert await ann.next("ponds") == ({"lily": 1, "stone": 0},)


async def test_a_ripple_is_seen_in_the_same_pond(visit: Visit) -> None:
    ann, ben, eve = await visit("Ann"), await visit("Ben"), await visit("Eve", "stone")

    await ann.emit("ripple", 10, 20)

    assert await ben.next("ripple") == (10, 20)
    await eve.nothing("ripple")


# -- what is eaten


async def eat(eater: TestClient, tick: Tick) -> list[tuple[Any, ...]]:
    """Let a flake fall out of reach, and another while the eater is there: who ate them, and the scores."""
    await tick()
    [flake] = await eater.next("flake")
    await eater.emit("swim", flake["x"], flake["y"])
    await tick()
    return [(await eater.next("eaten"))[1:] for _ in range(2)]


async def test_a_flake_is_eaten_by_the_fish_that_swims_to_it_and_all_are_told(visit: Visit, tick: Tick) -> None:
    ann, ben = await visit("Ann"), await visit("Ben")

    eaten = await eat(ben, tick)

    assert eaten == [(ben.id, 1), (ben.id, 2)]
    assert [(await ann.next("eaten"))[1:] for _ in range(2)] == eaten


async def test_whoever_comes_later_sees_the_flakes_that_are_left(visit: Visit, tick: Tick) -> None:
    ann = await visit("Ann")
    await tick()
    [flake] = await ann.next("flake")

    ben = await visit("Ben")

    assert (await water(ben))["flakes"] == [flake]


def fish(name: str, x: float, *, away: bool = False) -> Fish:
    return Fish(name, name, "coral", x, 300, away=away)


def test_nothing_falls_into_a_pond_without_fish() -> None:
    pond = Pond(lambda: 0.0)

    assert pond.feed() is None


def test_there_is_an_end_to_feeding() -> None:
    pond = Pond(lambda: 0.0)
    pond.fish["ann"] = fish("ann", WIDTH)

    fallen = [flake for flake in (pond.feed() for _ in range(100)) if flake is not None]

    assert len(fallen) == FEWEST_FLAKES + 2


def test_of_two_fish_the_nearer_one_eats() -> None:
    pond = Pond(lambda: 0.5)
    pond.flakes[1] = Flake(1, 300, 300)
    pond.fish = {"far": fish("far", 320), "near": fish("near", 310)}

    meals = pond.eat()

    assert meals == [(1, "near", 1)]
    assert pond.flakes == {}


def test_a_fish_that_dozes_eats_nothing() -> None:
    pond = Pond(lambda: 0.5)
    pond.flakes[1] = Flake(1, 300, 300)
    pond.fish["ann"] = fish("ann", 300, away=True)

    assert pond.eat() == []


# -- what a cut makes of it


async def test_a_fish_whose_connection_is_cut_dozes_until_it_is_back(visit: Visit) -> None:
    ann, ben = await visit("Ann"), await visit("Ben")

    ben.cut()
    dozes = await ann.next("away")
    await ben.resume()
    wakes = await ann.next("away")

    assert (dozes, wakes) == ((ben.id, True), (ben.id, False))
    await ann.nothing("left")


async def test_after_a_cut_one_place_of_each_fish_comes_and_every_flake(visit: Visit, tick: Tick) -> None:
    ann, ben = await visit("Ann"), await visit("Ben")

    ben.cut()
    for x in range(300, 400):
        await ann.emit("swim", x, 400)
    await tick()
    await tick()
    await ann.emit("ripple", 5, 5)
    await ben.resume()

    assert await ben.next("swim") == (ann.id, 399, 400)
    await ben.nothing("swim")
    assert [(await ben.next("flake"))[0]["id"] for _ in range(2)] == [1, 2]
    await ben.nothing("ripple")
    assert ben.losses == []


async def test_a_fish_that_does_not_come_back_is_gone_in_the_end(visit: Visit, antiphon_clock: VirtualClock) -> None:
    ann, ben = await visit("Ann"), await visit("Ben")

    ben.cut()
    await antiphon_clock.advance(121)

    assert await ann.next("left") == (ben.id,)


# -- the pulse


async def first_beat(visitor: TestClient) -> Any:
    """Read the stream until something comes."""
    async with visitor.namespace.stream("pulse") as stream:
        return await anext(aiter(stream))


async def test_the_pulse_tells_how_much_is_heard_and_said_per_second(
    visit: Visit, antiphon_clock: VirtualClock
) -> None:
    ann, ben = await visit("Ann"), await visit("Ben")

    beat = asyncio.create_task(first_beat(ann))
    await ann.nothing("swim")
    for x in range(10):
        await ben.emit("swim", x, 5)
    await antiphon_clock.advance(1)
    pulse = await beat

    assert (pulse["fish"], pulse["heard"], pulse["said"]) == (2, 10, 10)


# -- the whole application, over a real port


async def test_the_server_feeds_whoever_comes(antiphon_app_client: AppClientFactory) -> None:
    ann = await antiphon_app_client(make_app(), namespace="/pond", auth={"name": "Ann", "colour": "plum"})

    await ann.emit("enter", "stone")

    [flake] = await ann.next("flake")
    assert 0 < flake["x"] < WIDTH and 0 < flake["y"] < HEIGHT


async def test_the_page_lets_scripts_come_from_its_own_server_only(antiphon_app_url: AppUrl) -> None:
    url = await antiphon_app_url(make_app())

    async with (
        ClientSession() as browser,
        browser.get(f"{url}/") as page,
        browser.get(f"{url}/shared/base.css") as sheet,
    ):
        text = await page.text()
        policy = page.headers["Content-Security-Policy"]

    assert (page.status, sheet.status) == (200, 200)
    assert text.index("/shared/network.js") < text.index("/antiphon/antiphon.js"), "the network comes before the client"
    assert policy.startswith("default-src 'self'") and "unsafe" not in policy


# -- the command


def test_a_port_that_is_taken_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("sys.argv", ["pond", "--port", str(port)])

        with pytest.raises(SystemExit, match=f"The pond cannot listen on 127.0.0.1 port {port}.*choose another one"):
            main()
