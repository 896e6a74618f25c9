"""The layer law of docs/architecture.md, read from the imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "framework" / "antiphon"

# A module imports lower layers and its own package, nothing else.
LAYERS = {
    "errors": 0,
    "types": 0,
    "config": 0,
    "protocol": 1,
    "dialects": 2,
    "transports": 2,
    "dispatch": 2,
    "brokers": 2,
    "server": 3,
    "client": 3,
    "hosts": 4,
    "testing": 5,
}
PURE = ("protocol", "dialects")
IMPURE = {
    "aiohttp",
    "asyncio",
    "datetime",
    "logging",
    "random",
    "secrets",
    "select",
    "socket",
    "ssl",
    "threading",
    "time",
}

MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    parts = ["antiphon", *path.relative_to(PACKAGE).with_suffix("").parts]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else None


def imports(path: Path, *, typing_too: bool = True) -> Iterator[str]:
    """What a module imports, as full names; `typing_too` includes what only type checkers read."""
    tree = ast.parse(path.read_text())
    skipped: set[ast.AST] = set()
    for node in ast.walk(tree):
        if not typing_too and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(child for statement in node.body for child in ast.walk(statement))
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where something lives"
            assert node.module is not None
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if (PACKAGE / Path(*inner.split(".")[1:])).with_suffix(".py").exists() else node.module


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_lower_layers_and_its_own_package_only(path: Path) -> None:
    module = name_of(path)
    room = room_of(module)
    if room is None:
        return  # antiphon/__init__.py lists the public names of all rooms, see below

    for imported in imports(path):
        other = room_of(imported) if imported.startswith("antiphon.") else None
        if other is not None and other != room:
            assert LAYERS[other] < LAYERS[room], f"{module} may not import {imported}: siblings do not know each other"


@pytest.mark.parametrize("path", [p for p in MODULES if room_of(name_of(p)) in PURE], ids=name_of)
def test_the_middle_is_pure(path: Path) -> None:
    used = {imported.split(".")[0] for imported in imports(path)}

    assert not used & IMPURE


def test_every_room_has_a_layer() -> None:
    rooms = {room_of(name_of(path)) for path in MODULES} - {None}

    assert rooms <= set(LAYERS)


def test_the_public_names_are_listed_in_one_place_that_holds_no_code() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())

    kinds = {type(node) for node in tree.body}

    assert kinds <= {ast.Expr, ast.ImportFrom, ast.Assign}


def test_there_are_no_import_cycles() -> None:
    graph = {
        name_of(path): {name for name in imports(path, typing_too=False) if name.startswith("antiphon.")}
        for path in MODULES
    }
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join([*above[above.index(module) :], module])
        if module not in done:
            for imported in graph.get(module, ()):
                visit(imported, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_file_is_one_thought_and_its_first_line_says_which(path: Path) -> None:
    text = path.read_text()

    assert ast.get_docstring(ast.parse(text)), "the first line of a file says what it is about"
    assert len(text.splitlines()) <= 500, "500 lines are the wall: look for the seam"
