"""What a browser is given here: one script, no page, and examples that never read what somebody typed as HTML."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.hosts.rig import Site

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("examples", "js-client/src", "framework/antiphon/browser")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".js", ".ts", ".html")
]
# What reads a text as HTML or as a program.
READS_TEXT = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc|javascript:"
    r"|\beval\(|new Function|set(?:Timeout|Interval)\(\s*[\"'`]"
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_is_read_as_html_or_as_a_program(path: Path) -> None:
    assert READS_TEXT.findall(path.read_text()) == []


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.suffix == ".html"], ids=lambda path: path.parent.name
)
def test_the_pages_of_the_examples_hold_no_script_and_no_handler_of_their_own(path: Path) -> None:
    """So that their Content-Security-Policy needs no exception."""
    page = path.read_text()

    assert re.findall(r"<script(?![^>]*\bsrc=)", page) == []
    assert re.findall(r"<[^>]+\son[a-z]+\s*=", page) == []


@pytest.mark.parametrize("path", ["/", "/index.html", "/antiphon.js/", "/antiphon.js.map", "/%2e%2e/config.py", "/.."])
async def test_nothing_but_the_browser_client_is_served(site: Site, path: str) -> None:
    answer = await site.talk(f"GET /antiphon{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())

    assert int(answer.split()[1]) in (404, 405)
    assert b"text/html" not in answer
