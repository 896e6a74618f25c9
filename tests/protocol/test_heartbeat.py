"""Silence, pings and what they measure (contract rule 20)."""

from __future__ import annotations

import pytest

from antiphon.config import Heartbeat as Settings
from antiphon.protocol.heartbeat import Heartbeat

NEVER = float("inf")


def server(*, spread: float = 0.0) -> Heartbeat:
    return Heartbeat(Settings(interval=20, timeout=15), pings=True, spread=spread)


def client() -> Heartbeat:
    return Heartbeat(Settings(interval=20, timeout=15), pings=False)


def test_the_server_pings_every_interval() -> None:
    heartbeat = server()
    heartbeat.start(100.0, watch=True)

    assert not heartbeat.ping(119.9)
    assert heartbeat.ping(120.0)
    assert not heartbeat.ping(139.9)
    assert heartbeat.ping(140.0)


def test_the_interval_is_spread() -> None:
    heartbeat = server(spread=-0.1)
    heartbeat.start(100.0, watch=True)

    assert heartbeat.ping(118.0)
    assert heartbeat.due == 135.0
    assert heartbeat.next_ping == 136.0


def test_the_client_never_pings() -> None:
    heartbeat = client()
    heartbeat.start(100.0, watch=True)

    assert not heartbeat.ping(1_000_000.0)


@pytest.mark.parametrize("heartbeat", [server(), client()], ids=["server", "client"])
def test_a_transport_is_given_up_after_interval_and_timeout_of_silence(heartbeat: Heartbeat) -> None:
    heartbeat.start(100.0, watch=True)

    assert not heartbeat.silent(134.9)
    assert heartbeat.silent(135.0)


def test_anything_heard_is_a_sign_of_life() -> None:
    heartbeat = client()
    heartbeat.start(100.0, watch=True)

    heartbeat.heard = 110.0

    assert not heartbeat.silent(144.9)
    assert heartbeat.due == 145.0
    assert heartbeat.silent(145.0)


def test_a_transport_that_looks_after_its_own_life_is_neither_pinged_nor_given_up() -> None:
    """Polls come and go: rule 19 has their own deadline."""
    heartbeat = server()

    heartbeat.start(100.0, watch=False)

    assert heartbeat.due == NEVER
    assert not heartbeat.ping(1_000.0)
    assert not heartbeat.silent(1_000.0)


def test_without_a_transport_silence_means_nothing() -> None:
    heartbeat = server()
    heartbeat.start(100.0, watch=True)

    heartbeat.stop()

    assert heartbeat.due == NEVER
    assert not heartbeat.ping(1_000.0)
    assert not heartbeat.silent(1_000.0)


def test_a_pong_measures_round_trip_and_clock_offset() -> None:
    heartbeat = server()

    heartbeat.answered(sent=100.0, theirs=5000.1, now=100.2)

    assert heartbeat.round_trip == pytest.approx(0.2)
    assert heartbeat.clock_offset == pytest.approx(4900.0)


def test_a_pong_from_the_future_measures_no_negative_round_trip() -> None:
    heartbeat = server()

    heartbeat.answered(sent=200.0, theirs=0.0, now=100.0)

    assert heartbeat.round_trip == 0.0


def test_our_own_stall_kills_nobody() -> None:
    heartbeat = server()
    heartbeat.start(100.0, watch=True)

    heartbeat.postpone(30.0)

    assert not heartbeat.silent(164.9)
    assert heartbeat.silent(165.0)


def test_a_late_ping_delays_none_behind_it() -> None:
    heartbeat = Heartbeat(Settings(interval=10, timeout=5), pings=True)
    heartbeat.start(0.0, watch=True)

    assert heartbeat.ping(10.4)

    assert heartbeat.next_ping == 20.0


def test_after_a_stall_pings_are_not_made_up_for() -> None:
    heartbeat = Heartbeat(Settings(interval=10, timeout=5), pings=True)
    heartbeat.start(0.0, watch=True)

    assert heartbeat.ping(35.0)

    assert heartbeat.next_ping == 45.0
