"""The judge finds each kind of fault that is planted, and nothing where there is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

import pytest

from tests.chaos.checker import ROOM, WINDOW, Verdict, explain, judge
from tests.chaos.history import VALUE, Loss, Side


def whole(**changes: object) -> Side:
    """A client that sent 1 to 5, 2 and 4 of them calls, all of which arrived."""
    side = Side(
        sent={"main": [1, 2, 3, 4, 5]},
        calls=[("main", 2), ("main", 4)],
        outcomes=[("main", 4, VALUE), ("main", 2, VALUE)],
    )
    for name, value in changes.items():
        setattr(side, name, value)
    return side


def heard(*numbers: int, channel: str = "main") -> Side:
    """An end to which these were delivered."""
    return Side(delivered={channel: list(numbers)})


def test_a_clean_run_is_clean() -> None:
    verdict = judge(whole(), heard(1, 2, 3, 4, 5))

    assert verdict.clean
    assert str(verdict) == "lost=0 duplicated=0 reordered=0 phantom=0 unreported=0 unresumed=0"
    assert explain(whole(), heard(1, 2, 3, 4, 5)) == []


@pytest.mark.parametrize(
    ("delivered", "found"),
    [
        ([1, 2, 4, 5], Verdict(lost=1)),
        ([1, 2, 3, 4], Verdict(lost=1)),
        ([1, 2, 3, 3, 4, 5], Verdict(duplicated=1)),
        ([1, 2, 3, 4, 5, 1], Verdict(duplicated=1)),
        ([1, 2, 4, 3, 5], Verdict(reordered=1)),
        ([1, 4, 2, 3, 5], Verdict(reordered=2)),
        ([1, 2, 3, 4, 5, 6], Verdict(phantom=1)),
        ([2, 1, 1, 4, 5, 7], Verdict(lost=1, duplicated=1, reordered=1, phantom=1)),
    ],
)
def test_a_fault_of_delivery_is_found(delivered: list[int], found: Verdict) -> None:
    assert judge(whole(), heard(*delivered)) == found


def test_both_directions_are_judged() -> None:
    server = Side(sent={"main": [1, 2, 3]}, delivered={"main": [1, 2, 3, 4, 5]})
    client = whole(delivered={"main": [1, 3]})

    assert judge(client, server) == Verdict(lost=1)
    assert judge(server, client) == Verdict(lost=1)


def test_what_is_heard_in_another_channel_is_lost_there_and_a_phantom_here() -> None:
    client = Side(sent={"side 1": [1, 2], "side 2": [1, 2]})
    server = Side(delivered={"side 1": [1], "side 2": [1, 2, 3]})

    assert judge(client, server) == Verdict(lost=1, phantom=1)


def test_who_has_left_is_owed_no_tail_but_everything_before_the_last_that_came() -> None:
    client = Side(sent={"side 1": [1, 2, 3, 4, 5]})

    assert judge(client, Side(delivered={"side 1": [1, 2]}, left=["side 1"])).clean
    assert judge(client, Side(delivered={"side 1": [1, 3]}, left=["side 1"])) == Verdict(lost=1)
    assert judge(client, Side(left=["side 1"])).clean


def test_what_is_sent_before_leaving_still_has_to_arrive() -> None:
    client = Side(sent={"side 1": [1, 2, 3]}, left=["side 1"])

    assert judge(client, heard(1, 2, channel="side 1")) == Verdict(lost=1)


def test_what_is_missing_and_was_reported_is_neither_lost_nor_unreported() -> None:
    client = whole(losses=[Loss("server_restart", [("main", 4), ("main", 5)])])

    assert judge(client, heard(1, 2, 3, 4)) == Verdict(unresumed=1)


def test_what_is_missing_from_the_report_of_a_loss_is_unreported() -> None:
    client = whole(losses=[Loss("server_restart", [("main", 5), ("side 1", 3)])])

    assert judge(client, heard(1, 2, 4)) == Verdict(unreported=1, unresumed=1)


def test_a_server_that_was_told_of_a_loss_reports_no_numbers() -> None:
    server = Side(sent={"main": [1, 2, 3]}, losses=[Loss("expired")])

    assert judge(server, heard(1)) == Verdict(unresumed=1)


@pytest.mark.parametrize(
    ("loss", "found"),
    [
        (Loss("unknown", [], seconds=WINDOW - 1, sent=ROOM - 1), 1),
        (Loss("expired", [], seconds=WINDOW, sent=3), 0),
        (Loss("overflow", [], seconds=5, sent=ROOM), 0),
    ],
)
def test_an_outage_within_the_window_and_the_room_has_to_be_resumed(loss: Loss, found: int) -> None:
    client = whole(losses=[loss])

    assert judge(client, heard(1, 2, 3, 4, 5)) == Verdict(unresumed=found)


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [
        ([(2, VALUE)], Verdict(unreported=1)),
        ([(2, VALUE), (4, VALUE), (4, VALUE)], Verdict(duplicated=1)),
        ([(2, VALUE), (4, VALUE), (5, VALUE)], Verdict(phantom=1)),
        ([(2, VALUE), (4, "CallTimeout")], Verdict(lost=1)),
        ([(2, "another value: 8"), (4, VALUE)], Verdict(phantom=1)),
    ],
)
def test_a_fault_of_a_call_is_found(outcomes: list[tuple[int, str]], found: Verdict) -> None:
    client = whole(outcomes=[("main", number, word) for number, word in outcomes])

    assert judge(client, heard(1, 2, 3, 4, 5)) == found


def test_an_answer_that_nobody_gave_is_a_phantom() -> None:
    assert judge(whole(), heard(1, 2, 3, 5)) == Verdict(lost=1, phantom=1)


def test_an_error_is_an_honest_outcome_of_a_lost_session() -> None:
    client = whole(
        outcomes=[("main", 2, VALUE), ("main", 4, "CallAbandoned")],
        losses=[Loss("expired", [("main", 4), ("main", 5)])],
    )

    assert judge(client, heard(1, 2, 3)) == Verdict(unresumed=1)


def test_an_error_is_an_honest_outcome_where_one_end_has_left() -> None:
    client = Side(sent={"side 1": [1]}, calls=[("side 1", 1)], outcomes=[("side 1", 1, "CallFailed")])

    assert judge(client, heard(1, channel="side 1")) == Verdict(lost=1)
    client.left.append("side 1")
    assert judge(client, heard(1, channel="side 1")).clean


def test_the_items_of_a_stream_come_all_once_and_in_order() -> None:
    reader = Side(calls=[("stream c1", 0)], outcomes=[("stream c1", 0, VALUE)], delivered={"stream c1": [1, 2, 3]})

    assert judge(reader, Side(sent={"stream c1": [1, 2, 3]})).clean
    assert judge(reader, Side(sent={"stream c1": [1, 2, 3, 4]})) == Verdict(lost=1)
    assert judge(reader, Side(sent={"stream c1": [1, 3, 2]})) == Verdict(reordered=1)


def test_a_stream_that_nobody_began_is_a_phantom() -> None:
    reader = Side(calls=[("stream c1", 0)], outcomes=[("stream c1", 0, VALUE)])

    assert judge(reader, Side()) == Verdict(phantom=1)


# -- faults planted in a large history


def history(seed: int) -> tuple[Side, Side]:
    """Both ends of a clean run: 100,000 packets and items with a call in ten, stays that are left, and streams."""
    dice = Random(seed)
    client, server = Side(resumed=40), Side(resumed=40)
    for one, other in ((client, server), (server, client)):
        for channel in ("main", "side 1", "side 2", "stream c1", "stream s1"):
            # A server broadcasts below zero, between what it sends to one alone.
            sent = [number if dice.randrange(5) else -number for number in range(1, 10_001)]
            one.sent[channel] = sent
            other.delivered[channel] = list(sent)
            if not channel.startswith("stream"):
                one.calls += [(channel, number) for number in sent[::10]]
        one.outcomes = [(channel, number, VALUE) for channel, number in one.calls]
        dice.shuffle(one.outcomes)
    client.left.append("side 1")
    server.sent["side 1"] += [10_001, 10_002]
    return client, server


def drop(client: Side, server: Side, place: int) -> None:
    server.delivered["main"].remove(client.sent["main"][place])


def drop_an_item(client: Side, server: Side, place: int) -> None:
    del client.delivered["stream s1"][place]


def drop_before_the_leave(client: Side, server: Side, place: int) -> None:
    del server.delivered["side 1"][-1]
    client.outcomes = [each for each in client.outcomes if each[:2] != ("side 1", client.sent["side 1"][-1])]


def repeat(client: Side, server: Side, place: int) -> None:
    server.delivered["side 2"].insert(place, server.delivered["side 2"][place - 1])


def swap(client: Side, server: Side, place: int) -> None:
    numbers = client.delivered["main"]
    numbers[place], numbers[place + 1] = numbers[place + 1], numbers[place]


def invent(client: Side, server: Side, place: int) -> None:
    client.delivered["main"].insert(place, 77_777)


def conceal(client: Side, server: Side, place: int) -> None:
    """A session was lost behind the window, and one of the packets that did not arrive is not in the report."""
    missing = client.sent["main"][-5:]
    del server.delivered["main"][-5:]
    client.losses.append(Loss("expired", [("main", number) for number in missing[1:]], seconds=WINDOW + 1))
    client.outcomes = [
        (channel, number, "CallAbandoned" if channel == "main" and number in missing else word)
        for channel, number, word in client.outcomes
    ]


def give_up(client: Side, server: Side, place: int) -> None:
    client.losses.append(Loss("unknown", [], seconds=3.0, sent=20))


def answer_wrongly(client: Side, server: Side, place: int) -> None:
    channel, number, _ = client.outcomes[place // 10]
    client.outcomes[place // 10] = (channel, number, "another value: 5")


def never_answer(client: Side, server: Side, place: int) -> None:
    del server.outcomes[place // 10]


PLANTED: list[tuple[Callable[[Side, Side, int], None], Verdict]] = [
    (drop, Verdict(lost=1)),
    (drop_an_item, Verdict(lost=1)),
    (drop_before_the_leave, Verdict(lost=1)),
    (repeat, Verdict(duplicated=1)),
    (swap, Verdict(reordered=1)),
    (invent, Verdict(phantom=1)),
    (conceal, Verdict(unreported=1)),
    (give_up, Verdict(unresumed=1)),
    (answer_wrongly, Verdict(phantom=1)),
    (never_answer, Verdict(unreported=1)),
]


@pytest.mark.parametrize(("plant", "found"), PLANTED, ids=[plant.__name__ for plant, _ in PLANTED])
def test_one_planted_fault_is_found_in_a_large_history(
    plant: Callable[[Side, Side, int], None], found: Verdict
) -> None:
    client, server = history(seed=1)
    plant(client, server, 4_321)

    assert judge(client, server) == found
    assert explain(client, server) or found.unresumed


def test_there_is_no_false_alarm_in_clean_histories() -> None:
    for seed in range(5):
        client, server = history(seed)

        assert judge(client, server).clean


def test_all_planted_faults_together_are_all_found() -> None:
    client, server = history(seed=2)
    for place, (plant, _) in enumerate(PLANTED):
        if plant not in (conceal, give_up):  # after a loss, what is missing is no longer lost
            plant(client, server, 1_000 * (place + 1) + 1)

    assert judge(client, server) == Verdict(lost=3, duplicated=1, reordered=1, phantom=2, unreported=1)


def test_a_history_travels_as_json() -> None:
    client = whole(losses=[Loss("expired", [("main", 4)], seconds=3.5, sent=7)])
    client.hear("main", 7, "websocket")
    client.hear(None, 8, "websocket")

    assert client.late == 1
    assert Side.from_json(json.loads(json.dumps(client.to_json()))) == client
