"""The TypeScript client as JavaScript: compiled anew from its sources, so that nothing stale is ever judged."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["compiled", "copied"]

CLIENT = Path(__file__).parents[3] / "js-client"
COMPILER = CLIENT / "node_modules" / ".bin" / "tsc"


@contextmanager
def compiled() -> Iterator[Path]:
    """A directory with the modules of js-client/src, for as long as it is wanted."""
    if not COMPILER.exists():
        raise FileNotFoundError(f"{COMPILER} is missing: run `make build` once, which installs it")
    with TemporaryDirectory(prefix="antiphon-simulation-") as place:
        directory = Path(place)
        subprocess.run(
            [COMPILER, "-p", "tsconfig.build.json", "--declaration", "false", "--outDir", directory],
            cwd=CLIENT,
            check=True,
        )
        # Node takes the modules for what they are by this.
        (directory / "package.json").write_text('{"type": "module"}')
        yield directory


def copied(directory: Path, to: Path, module: str, old: str, new: str) -> None:
    """The same with one place of one module changed."""
    shutil.copytree(directory, to)
    path = to / module
    text = path.read_text()
    if text.count(old) != 1:
        raise LookupError(f"{module} says {old!r} {text.count(old)} times, and not once: the mutant is out of date")
    path.write_text(text.replace(old, new))
