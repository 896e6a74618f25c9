"""The words for why a socket is gone: the list in the code, the tables of docs/protocol.md, and what is really said."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from antiphon import DisconnectCode
from antiphon.client.connector import _FINAL, _OVER

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "protocol.md").read_text()
PACKAGE = ROOT / "framework" / "antiphon"
# What ends a session, stops a client or puts a socket out; the first argument is the word.
SAYING = {"end", "violated", "Ending", "forget", "stop", "abandon", "RemoteProtocolError", "ConnectionClosed"}
KNOWN = set(DisconnectCode) - {DisconnectCode.OTHER}


def words_of(*headings: str) -> set[str]:
    """What stands as code in the first column of the table with these headings."""
    rows = DOCUMENT[DOCUMENT.index(f"\n| {' | '.join(headings)} |\n") + 1 :].splitlines()[2:]
    cells = [row.split("|")[1] for row in rows[: next(n for n, row in enumerate(rows) if not row.startswith("|"))]]
    return {word for cell in cells for word in re.findall(r"`(\w+)`", cell)}


def said(path: Path) -> Iterator[str]:
    """The words in one module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "DisconnectCode":
            yield node.attr.lower()
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in SAYING and isinstance(node.args[0].value, str):
                yield node.args[0].value


def test_the_table_has_every_word_and_no_other() -> None:
    assert words_of("word", "told to", "what has ended") == KNOWN


def test_what_a_close_a_refusal_or_a_lost_session_is_called_is_in_the_list() -> None:
    attach_again = {"stale", "form", "try_later"}

    assert words_of("code", "meaning", "retry_after") <= KNOWN
    assert words_of("reason", "meaning") <= KNOWN
    assert words_of("code", "meaning", "what to do") <= KNOWN | attach_again


def test_what_is_said_is_in_the_list_and_what_is_in_the_list_is_said() -> None:
    modules = [path for path in PACKAGE.rglob("*.py") if not path.is_relative_to(PACKAGE / "testing")]
    modules.remove(PACKAGE / "protocol" / "disconnects.py")
    words = {word for path in modules for word in said(path)} | _FINAL | _OVER

    # What a client cannot know of its session it takes from the Welcome: the registry says it there.
    registry = (PACKAGE / "server" / "registry.py").read_text()
    words |= {word for word in ("unknown", "server_restart") if f'"{word}"' in registry}

    assert words == KNOWN
