"""docs/from-socketio.md: the names in its tables exist, ours and those of the others."""

from __future__ import annotations

import dataclasses
import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import antiphon
from antiphon import Client, ClientNamespace, DisconnectCode, Namespace, Server, Socket
from antiphon.config import Socketio
from antiphon.hosts.aiohttp import mount
from tests.docs.spelled_out import Instance, check
from tests.docs.test_from_socketio import MODULES, ROOT, TEXT

KINDS = {name: getattr(antiphon, name) for name in antiphon.__all__ if isinstance(getattr(antiphon, name), type)}
OURS = {
    **KINDS,
    "antiphon": antiphon,
    "mount": mount,
    "Socketio": Socketio,
    "chat": Instance(Namespace),
    "server": Instance(Server),
    "socket": Instance(Socket),
    "client": Instance(Client),
    "room": Instance(ClientNamespace),
}
# Not imported: it has no types.
THEIRS = {"sio": Instance(import_module("socketio").AsyncServer)}
# Begins with one of our names, and is no word: `socket.join("a")`, `@chat.on_any`, `Limits(...)`.
CODE = re.compile(r"@?(?:{})[.(].*".format("|".join(OURS)))


class Table(NamedTuple):
    heading: str
    columns: dict[str, list[str]]  # what stands as code in each


def tables() -> list[Table]:
    found = []
    for part in re.split(r"^##+ ", TEXT, flags=re.MULTILINE):
        rows = [row.strip("|").split("|") for row in re.findall(r"^\|.*\|$", part, flags=re.MULTILINE)]
        if rows:
            headings = [cell.strip() for cell in rows[0]]
            cells = zip(*rows[2:], strict=True)
            codes = [re.findall(r"`([^`]+)`", " ".join(column)) for column in cells]
            found.append(Table(part.partition("\n")[0], dict(zip(headings, codes, strict=True))))
    return found


TABLES = tables()
COLUMNS = [(table.heading, name, codes) for table in TABLES for name, codes in table.columns.items()]


def column(name: str) -> list[Any]:
    """What stands in the columns of a name, each under the heading of its table."""
    return [pytest.param(codes, id=heading) for heading, named, codes in COLUMNS if named == name]


def sources(folder: Path, pattern: str) -> str:
    return "\n".join(path.read_text() for path in sorted(folder.glob(pattern)))


def words_of(heading: str, name: str) -> list[str]:
    [table] = [table for table in TABLES if table.heading == heading]
    return table.columns[name]


# -- ours


@pytest.mark.parametrize("codes", [*column("antiphon"), *column("antiphon, in Python")])
def test_what_we_call_it_exists_and_takes_what_is_shown(codes: list[str]) -> None:
    for code in codes:
        if CODE.fullmatch(code):
            check(code, OURS, KINDS)


def test_code_outside_of_tables_exists_too() -> None:
    prose = re.sub(r"```.*?```|^\|.*$", "", TEXT, flags=re.DOTALL | re.MULTILINE)

    for code in re.findall(r"`([^`]+)`", prose):
        if CODE.fullmatch(code) and "socket.io" not in code and not code.startswith("socket.use"):
            check(code, OURS, KINDS)


def test_each_option_for_their_clients_is_in_the_table_with_its_default() -> None:
    shown = " ".join(words_of("Options", "antiphon"))

    for field in dataclasses.fields(Socketio):
        assert f"{field.name}=" in shown, field.name
    for name in ("path", "transports", "ping_interval", "ping_timeout", "max_http_buffer_size", "connect_timeout"):
        [value] = re.findall(rf"\b{name}=(\(.*?\)|[^,)]+)", shown)
        assert eval(value) == getattr(Socketio(), name), name


def test_the_words_for_why_somebody_is_gone_are_those_of_the_hook() -> None:
    words = [word for word in words_of("Why somebody is gone", "antiphon") if not CODE.fullmatch(word)]

    assert set(words) <= set(DisconnectCode)


@pytest.mark.parametrize("codes", column("antiphon, in JavaScript"))
def test_the_names_of_the_javascript_client_exist(codes: list[str]) -> None:
    public = "\n".join(
        (ROOT / "js-client" / "src" / f"{name}.ts").read_text()
        for name in ("client", "connect", "namespace", "sender", "types")
    )

    for code in codes:
        for name in re.findall(r"[A-Za-z]\w*", re.sub(r'".*?"|\bnew\b|\btrue\b', "", code)):
            assert re.search(rf"\b{name}\b[?<(:]|\bget {name}\b|class {name}\b", public), name


@pytest.mark.parametrize(
    "wrong", ["chat.emti(1)", "socket.broadcast.too(1)", "Limits(sise=1)", "socket.call()", "chat.to(1).y"]
)
def test_a_wrong_name_is_noticed(wrong: str) -> None:
    with pytest.raises(AssertionError):
        check(wrong, OURS, KINDS)


# -- theirs


@pytest.mark.parametrize("codes", column("python-socketio"))
def test_what_python_socketio_calls_it_exists(codes: list[str]) -> None:
    for code in codes:
        if code.startswith("sio."):
            check(code, THEIRS, {})


def test_the_options_of_python_socketio_exist() -> None:
    server = import_module("socketio").AsyncServer
    takers = [server.attach, *(import_module(f"{name}.base_server").BaseServer for name in ("socketio", "engineio"))]
    known = {name for taker in takers for name in inspect.signature(taker).parameters}

    assert set(words_of("Options", "python-socketio")) <= known


def test_what_python_socketio_calls_the_reasons_exists() -> None:
    reason = import_module("socketio").AsyncServer.reason
    known = {value for name, value in vars(reason).items() if name.isupper()}

    assert set(words_of("Why somebody is gone", "python-socketio")) <= known


@pytest.mark.parametrize("codes", [*column("Node"), *column("socket.io-client")])
def test_what_node_calls_it_exists(codes: list[str]) -> None:
    packages = [
        *("socket.io/dist", "socket.io-client/build/esm", "socket.io-adapter/dist"),
        *("engine.io/build", "engine.io-client/build/esm", "@socket.io/component-emitter/lib/esm"),
    ]
    declared = "\n".join(sources(MODULES / package, "**/*.d.ts") for package in packages)

    for code in codes:
        words = re.findall(r"\.(\w+)", re.sub(r'".*?"', "", code)) if "." in code.strip(".") else [code]
        for word in words:
            assert re.search(rf"(?<!\w){re.escape(word)}(?!\w)", declared) or "(" in word, (code, word)


def test_what_clients_are_told_exists() -> None:
    source = (MODULES / "socket.io-client" / "build" / "esm" / "socket.js").read_text()
    source += (MODULES / "engine.io-client" / "build" / "esm" / "socket.js").read_text()

    for reason in words_of("Why somebody is gone", "the client's reason"):
        assert reason in source, reason


# -- what is not there


def test_what_is_said_to_be_missing_is_missing() -> None:
    package = ROOT / "framework" / "antiphon"

    assert {path.stem for path in (package / "brokers").glob("[a-z]*.py")} == {"base", "memory"}
    assert {path.stem.partition("_")[0] for path in (package / "hosts").glob("[a-z]*.py")} == {"aiohttp"}
