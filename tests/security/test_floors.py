"""The versions that we depend on: none has a hole that was known when this was written."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]

# aiohttp 3.14.3: requests that could be smuggled behind an upgrade, and frames that were inflated without having been
# agreed on, are mended there. msgspec: no advisory is known; with 0.20 our limits were tested.
FLOORS = {"aiohttp": (3, 14, 3), "msgspec": (0, 20)}


@pytest.mark.parametrize("package", FLOORS)
def test_no_version_with_a_known_hole_is_installed(package: str) -> None:
    [required] = [each for each in PROJECT["dependencies"] if re.match(rf"{package}\b", each)]

    floor = re.search(r">=\s*([\d.]+)", required)

    assert floor is not None and tuple(map(int, floor[1].split("."))) >= FLOORS[package]


def test_every_dependency_has_a_floor() -> None:
    assert {re.split(r"\W", each)[0] for each in PROJECT["dependencies"]} == set(FLOORS)
