"""What somebody else wrote is no line of its own in a log."""

from __future__ import annotations

import pytest

from antiphon.protocol.loglines import one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("as it is, ü and 日本語 too", "as it is, ü and 日本語 too"),
        ("a\r\nERROR all is lost", r"a\r\nERROR all is lost"),
        ("\x1b[2J\x07\x00\x7f\x9b", r"\x1b[2J\x07\x00\x7f\x9b"),
        ("a\u2028b\u2029c\x85d", r"a\u2028b\u2029c\x85d"),
        ("\u202eexe.txt", r"\u202eexe.txt"),
        ("\ud800", r"\ud800"),
        ("", ""),
    ],
)
def test_what_could_begin_a_line_or_speak_to_a_terminal_is_escaped(text: str, line: str) -> None:
    assert one_line(text) == line


def test_what_is_long_is_cut() -> None:
    assert one_line("x" * 256) == "x" * 256
    assert one_line("x" * 257) == "x" * 256 + "..."
    assert one_line("x" * 10, 4) == "xxxx..."


def test_an_exception_is_told_by_its_words() -> None:
    assert one_line(ValueError("no\nnumber")) == r"no\nnumber"
