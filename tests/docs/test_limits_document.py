"""The table of limits in docs/operations.md names every limit there is, and its default."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from antiphon import Inbox, Limits

TEXT = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
TABLE = TEXT[TEXT.index("\n| limit | default |") : TEXT.index("Each is counted in")]
ROWS = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", TABLE, flags=re.MULTILINE)


def spelled(value: float | Inbox) -> str:
    if isinstance(value, Inbox):
        return f"{value.packets:,} packets, {value.size:,} bytes"
    assert value == int(value)
    return f"{int(value):,}"


def test_the_table_names_every_limit_in_their_order_and_its_default() -> None:
    defaults = Limits()

    assert [(name, default) for name, default, *_ in ROWS] == [
        (field.name, spelled(getattr(defaults, field.name))) for field in fields(Limits)
    ]


def test_each_row_says_what_happens_and_who_is_told() -> None:
    assert all(len(happens) > 20 and told for *_, happens, told in ROWS)


def test_what_they_add_up_to_is_said() -> None:
    assert f"({Limits().calls} by default" in TEXT
