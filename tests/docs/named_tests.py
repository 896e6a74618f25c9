"""Tests that a page of the documentation names, as evidence: how they are written there, and whether they exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

__all__ = ["ROOT", "missing", "misspelled", "named"]

ROOT = Path(__file__).parents[2]

PYTHON = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
SCRIPT = re.compile(r'`((?:js-client/test|tests)/[\w/]+\.test\.(?:ts|mjs)): "([^"`]+)"`')


def named(text: str) -> list[tuple[str, str]]:
    """The tests that are named in a text: the file, and the name or title."""
    return PYTHON.findall(text) + SCRIPT.findall(text)


def missing(text: str) -> list[tuple[str, str]]:
    """Those among them that do not exist."""
    return [(path, test) for path, test in named(text) if test not in found_in(path)]


def misspelled(text: str) -> list[str]:
    """What looks like a test that is named, and would not be read as one."""
    looks = re.findall(r"`[^`]*(?:\.py::|\.test\.(?:ts|mjs):)[^`]*`", text)
    return [each for each in looks if not PYTHON.fullmatch(each) and not SCRIPT.fullmatch(each)]


@cache
def found_in(path: str) -> frozenset[str]:
    """The names of the tests in a file of Python, the titles of those in a script."""
    file = ROOT / path
    if not file.exists():
        return frozenset()
    source = file.read_text()
    if file.suffix == ".py":
        return frozenset(re.findall(r"^ *(?:async )?def (test_\w+)\(", source, re.MULTILINE))
    # A title is the first argument of `test(...)` or of what `test.each(...)` returns, and of no `describe(...)`.
    return frozenset(title for _, title in re.findall(r"""(?<!describe)\(\s*(["'`])(.+?)\1,""", source))
