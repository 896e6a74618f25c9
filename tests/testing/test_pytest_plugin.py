"""The pytest plugin in a suite that has installed it."""

from __future__ import annotations

from pathlib import Path

from tests.testing.suites import EVERYTHING, run_suite

SUITE = """
from aiohttp import web
from antiphon import Server
from antiphon.hosts.aiohttp import mount

async def test_handlers(antiphon_server, antiphon_client, antiphon_clock):
    antiphon_server.namespace("/")
    ann = await antiphon_client()
    ann.cut()
    await antiphon_clock.advance(119)
    await ann.resume()
    assert ann.losses == []

async def test_application(antiphon_app_client, antiphon_proxy):
    app, server = web.Application(), Server()
    server.namespace("/")
    mount(app, server)
    ann = await antiphon_app_client(await antiphon_proxy(app))
    assert ann.client.state == "connected"
"""

PLAIN = """
import sys

def test_the_suite_runs_as_it_did():
    assert not {"pytest_asyncio", "pytest_aiohttp"} & set(sys.modules)
"""

# What find_spec says where neither is installed.
WITHOUT = """
import importlib.util
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name.startswith("pytest_a") else found(name, *rest)
"""


def test_its_fixtures_are_there_for_whoever_installed_pytest_aiohttp(tmp_path: Path) -> None:
    (tmp_path / "test_suite.py").write_text(SUITE)

    finished = run_suite(tmp_path, *EVERYTHING)

    assert "2 passed" in finished.stdout, finished.stdout


def test_it_brings_nothing_where_nothing_can_carry_its_fixtures(tmp_path: Path) -> None:
    (tmp_path / "test_plain.py").write_text(PLAIN)
    (tmp_path / "without.py").write_text(WITHOUT)

    finished = run_suite(tmp_path, "without", "antiphon.testing.pytest_plugin")

    assert "1 passed" in finished.stdout, finished.stdout
