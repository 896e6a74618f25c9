"""What a user installs: the wheel brings the server, both clients' halves that belong to it, and its types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

LOAD = """
import sys
from importlib.resources import files
import antiphon
from antiphon.hosts.aiohttp import mount
assert (files("antiphon") / "py.typed").is_file()
assert {root!r} not in antiphon.__file__, antiphon.__file__
sys.stdout.write((files("antiphon") / "browser" / "antiphon.js").read_text())
"""

RUN = """
const script = require("fs").readFileSync(0, "utf8");
new Function(script)();
console.log(typeof antiphon.connect, typeof antiphon.Client);
"""


def run(*command: str, stdin: str | None = None, cwd: Path | None = None) -> str:
    finished = subprocess.run(command, input=stdin, cwd=cwd, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"{' '.join(command)[:200]}:\n{finished.stdout[-2000:]}{finished.stderr[-2000:]}"
    return finished.stdout


def test_the_wheel_installs_into_an_empty_environment_and_brings_the_browser_client(tmp_path: Path) -> None:
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT))
    [wheel] = tmp_path.glob("antiphon-*.whl")
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    python = str(tmp_path / "venv" / "bin" / "python")

    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel))
    script = run(python, "-c", LOAD.format(root=str(ROOT)), cwd=tmp_path)

    assert script == (ROOT / "framework" / "antiphon" / "browser" / "antiphon.js").read_text()
    assert run("node", "-e", RUN, stdin=script).split() == ["function", "function"]
