"""Test suites of somebody else: run in a process of their own, with the plugins that they have installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["EVERYTHING", "run_suite"]

FRAMEWORK = Path(__file__).parents[2] / "framework"
EVERYTHING = ("pytest_asyncio.plugin", "pytest_aiohttp.plugin", "antiphon.testing.pytest_plugin")


def run_suite(folder: Path, *plugins: str) -> subprocess.CompletedProcess[str]:
    """pytest in `folder`, with these plugins and no others."""
    paths = os.pathsep.join([str(FRAMEWORK), str(folder)])
    # Neither our own settings count there, nor what happens to be installed here.
    environment = {**os.environ, "PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        str(folder),
    ]
    mode = ["-o", "asyncio_mode=auto"] if "pytest_asyncio.plugin" in plugins else []
    options = [word for plugin in plugins for word in ("-p", plugin)]
    return subprocess.run(
        [*command, *mode, *options, str(folder)], env=environment, capture_output=True, text=True, check=False
    )
