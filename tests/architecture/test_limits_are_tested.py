"""Each limit has a test at which it is reached and one that goes above: which, and that they exist."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path

import pytest

from antiphon import Inbox, Limits

TESTS = Path(__file__).parents[1]

WIRE = "wire/test_bounds.py"
PACKETS = "server/test_limits_packets.py"
HANDLERS = "server/test_limits_handlers.py"
ROOMS = "server/test_limits_rooms.py"
SESSIONS = "server/test_limits_sessions.py"
RATE = "server/test_limits_rate.py"
PACE = "transports/test_tcp_websocket_pace.py"
BODIES = "hosts/test_limits_bodies.py"
INPUT = "hosts/test_bad_input.py"
IDLE = "hosts/test_idle_connections.py"
INBOX = "protocol/test_inbox.py"

# The limit, the file, and the tests in it: at the limit, and above. One test may be both.
TESTED = {
    "message": (WIRE, "test_a_message_at_the_limit_is_taken_in", "test_a_message_above_the_limit_is_1009"),
    "hello": (PACKETS, "test_a_first_message_at_the_limit_is_looked_at_and_one_above_is_not"),
    "fragments": (
        WIRE,
        "test_the_parts_of_each_message_are_counted_anew",
        "test_a_message_with_one_part_too_many_is_1009",
    ),
    "depth": (PACKETS, "test_a_value_at_the_limit_is_taken", "test_a_value_above_the_limit_is_refused_by_itself"),
    "keys": (PACKETS, "test_a_value_at_the_limit_is_taken", "test_a_value_above_the_limit_is_refused_by_itself"),
    "values": (PACKETS, "test_a_value_at_the_limit_is_taken", "test_a_value_above_the_limit_is_refused_by_itself"),
    "name": (PACKETS, "test_names_at_the_limit_are_taken", "test_names_above_the_limit_are_refused_by_themselves"),
    "inbox.packets": (INBOX, "test_more_waiting_packets_than_the_window_are_a_flood"),
    "inbox.size": (INBOX, "test_bytes_flood_when_they_pass_what_any_honest_peer_may_send"),
    "rate": (
        RATE,
        "test_a_burst_of_two_seconds_is_handed_over_at_once",
        "test_what_comes_above_it_waits_unacked_and_goes_on_in_order",
    ),
    "messages": (
        PACE,
        "test_a_burst_of_two_seconds_is_read_at_once",
        "test_with_one_above_it_reading_stops_and_what_came_behind_it_waits",
    ),
    "streaming": (HANDLERS, "test_so_many_stream_and_one_more_is_refused"),
    "concurrent": (HANDLERS, "test_so_many_run_beside_and_the_next_waits_for_one_of_them_to_end"),
    "calls": (HANDLERS, "test_no_more_calls_of_one_client_are_under_way_than_the_limits_add_up_to"),
    "namespaces": (ROOMS, "test_the_last_namespace_is_joined_and_one_more_is_refused"),
    "rooms": (ROOMS, "test_the_last_room_is_joined_and_one_more_is_an_error_that_says_what_to_do"),
    "headers_timeout": (IDLE, "test_clients_that_wait_are_at_work", "test_a_head_that_comes_byte_by_byte_is_cut"),
    "body_timeout": (BODIES, "test_a_body_that_comes_in_time_is_read_and_one_that_does_not_is_408"),
    "hello_timeout": (
        INPUT,
        "test_who_has_said_hello_is_not_asked_for_it_again",
        "test_silence_instead_of_hello_is_4000",
    ),
    "connections": (
        SESSIONS,
        "test_the_last_session_of_a_node_is_let_in_and_one_more_is_sent_away_for_a_moment",
    ),
    "connections_per_address": (SESSIONS, "test_the_last_session_of_an_address_is_let_in_and_one_more_is_not"),
    "connections_per_principal": (SESSIONS, "test_the_last_session_of_a_person_is_let_in_and_one_more_is_not"),
    "detached": (SESSIONS, "test_at_the_limit_nothing_happens_and_above_it_the_oldest_detached_session_ends"),
    "detached_per_principal": (SESSIONS, "test_of_one_person_fewer_are_kept"),
    "attaches": (
        SESSIONS,
        "test_thirty_attaches_at_once_are_answered_and_the_next_is_told_when_to_come_back",
    ),
    "authenticating": (
        HANDLERS,
        "test_so_many_are_looked_into_at_a_time_four_times_as_many_wait_and_one_more_is_sent_away",
    ),
}


def names_in(file: str) -> set[str]:
    tree = ast.parse((TESTS / file).read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_no_limit_is_left_out() -> None:
    names = {field.name for field in fields(Limits)} - {"inbox"}
    names |= {f"inbox.{field.name}" for field in fields(Inbox)} | {"calls"}

    assert set(TESTED) == names


@pytest.mark.parametrize("limit", TESTED)
def test_the_tests_of_a_limit_exist(limit: str) -> None:
    file, *names = TESTED[limit]

    assert set(names) <= names_in(file)
