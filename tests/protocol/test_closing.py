"""Reasons and codes: a session's end and a transport's end have tables of their own."""

from __future__ import annotations

from antiphon.protocol.closing import Closing, Ending, TransportCode


def test_codes_of_our_own_are_in_the_range_that_websocket_leaves_to_applications() -> None:
    ours = [code for code in TransportCode if code not in (1000, 1001, 1009)]

    assert all(4000 <= code < 5000 for code in ours)


def test_codes_are_written_in_stone() -> None:
    """docs/protocol.md lists them for strangers."""
    assert {code.name: int(code) for code in TransportCode} == {
        "ENDED": 1000,
        "GOING_AWAY": 1001,
        "TOO_LARGE": 1009,
        "HELLO_TIMEOUT": 4000,
        "BAD_HELLO": 4001,
        "REFUSED": 4002,
        "FENCED": 4003,
        "GAP": 4004,
        "SILENT": 4005,
        "SLOW": 4006,
        "PROTOCOL": 4007,
        "EXPIRED": 4008,
    }


def test_an_ending_without_a_time_says_not_to_come_back_by_oneself() -> None:
    assert Ending("closed").retry_after is None
    assert Closing(TransportCode.GAP).reason == ""


def test_an_http_transport_says_a_closing_in_one_line_whatever_its_reason_holds() -> None:
    closing = Closing(TransportCode.PROTOCOL, "two\r\nlines")

    assert closing.word == "protocol"
    assert closing.line == "protocol:two lines"
