"""docs/compatibility.md: every row of the list is answered, and what is said to be there is held by a test."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.docs.named_tests import ROOT, missing, misspelled, named

TEXT = (ROOT / "docs" / "compatibility.md").read_text()
# "# <heading>" begins a group. The references themselves are not in this repository.
LISTED = (Path(__file__).parent / "compatibility_rows.txt").read_text().splitlines()

HAVE, BETTER, LATER, WILL_NOT = "have it", "better", "later", "will not"
MOST_REFUSALS = 15


class Row(NamedTuple):
    name: str
    answer: str
    how: str

    @property
    def kind(self) -> str:
        match = re.match(r"\*\*([^*]+)\*\*", self.answer)
        return match[1] if match else ""

    @property
    def area(self) -> str:
        match = re.fullmatch(r"\*\*later\*\* \(([^)]+)\)", self.answer)
        return match[1] if match else ""


def lines_and_rows() -> tuple[list[str], list[Row]]:
    """What the list must have, as the document has it; and its rows."""
    listed: list[str] = []
    rows: list[Row] = []
    part = ""
    for line in TEXT.splitlines():
        if line.startswith("## "):
            part = line.removeprefix("## ")
        elif line.startswith("### "):
            listed.append(f"# {part}, {line.removeprefix('### ')}")
        elif part and line.startswith("| ") and not line.startswith("| feature |"):
            name, answer, how = (cell.strip() for cell in line.strip("|").split(" | "))
            listed.append(re.sub(r"[`*]", "", name))
            rows.append(Row(name, answer, how))
    return listed, rows


IN_DOCUMENT, ROWS = lines_and_rows()


def test_no_row_is_missing_and_none_is_out_of_order() -> None:
    assert IN_DOCUMENT == LISTED


def test_a_row_has_one_of_four_answers() -> None:
    assert [row for row in ROWS if row.kind not in (HAVE, BETTER, LATER, WILL_NOT)] == []


def test_what_is_said_to_be_there_is_held_by_a_test() -> None:
    claims = [row for row in ROWS if row.kind in (HAVE, BETTER)]

    assert [row.name for row in claims if not named(row.how)] == []


def test_a_test_that_is_named_exists() -> None:
    assert [(row.name, *test) for row in ROWS for test in missing(row.how)] == []


def test_what_looks_like_a_test_is_read_as_one() -> None:
    assert misspelled(TEXT) == []


def test_what_comes_later_says_in_which_area_and_every_area_is_explained() -> None:
    table = TEXT.partition("| area |")[2].partition("\n## ")[0]

    explained = re.findall(r"^\| ([^|-][^|]*) \|", table, flags=re.MULTILINE)

    assert {row.area for row in ROWS if row.kind == LATER} == set(explained)


def test_what_will_not_be_built_is_little_and_has_a_reason_and_a_way_out() -> None:
    refusals = [row for row in ROWS if row.kind == WILL_NOT]

    assert len(refusals) <= MOST_REFUSALS
    assert [row.name for row in refusals if not re.fullmatch(r".{20,}\. Instead: .{20,}", row.how)] == []


def test_the_opening_counts_the_rows() -> None:
    opening = " ".join(TEXT.partition("\n\n")[2].partition("\n\n")[0].split())

    counts = Counter(row.kind for row in ROWS)

    assert opening.count(". ") == 2, "three sentences"
    assert (
        f"Of the {len(ROWS)} rows, we have {counts[HAVE]} as they are, {counts[BETTER]} better, "
        f"{counts[LATER]} will come later, and {counts[WILL_NOT]} will not be built"
    ) in opening
