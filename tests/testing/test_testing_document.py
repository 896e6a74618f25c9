"""docs/testing.md: what it shows runs, as files of the names that its blocks begin with."""

from __future__ import annotations

import re
from pathlib import Path

from tests.testing.suites import EVERYTHING, run_suite

TEXT = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
BLOCKS = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", TEXT, flags=re.DOTALL)


def test_every_block_of_python_is_a_file() -> None:
    assert TEXT.count("```python\n") == len(BLOCKS)
    assert len({name for name, _ in BLOCKS}) == len(BLOCKS)


def test_the_first_one_is_a_test_of_ten_lines() -> None:
    name, code = BLOCKS[0]

    lines = [line for line in code.splitlines() if line]

    assert name == "test_first.py"
    assert len(lines) <= 10


def test_all_of_them_pass(tmp_path: Path) -> None:
    for name, code in BLOCKS:
        (tmp_path / name).write_text(code)

    finished = run_suite(tmp_path, *EVERYTHING)

    count = sum(code.count("async def test_") for _, code in BLOCKS)
    assert f"{count} passed" in finished.stdout, finished.stdout + finished.stderr
