"""The proof with real sockets: hundreds of cuts under thousands of messages, and nothing lost, doubled or reordered.

DURATION (seconds), SEED and CLIENTS (of each language and kind of transport) change the run; a longer one has to reach
proportionally more.
"""

from __future__ import annotations

import os

from tests.chaos.run import Plan, run

# Of 20 seconds.
CUTS = 300
MESSAGES = 10_000


async def test_nothing_is_lost_doubled_or_reordered_under_hundreds_of_cuts() -> None:
    plan = Plan(
        duration=float(os.environ.get("DURATION", Plan.duration)),
        seed=int(os.environ.get("SEED", Plan.seed)),
        clients=int(os.environ.get("CLIENTS", Plan.clients)),
    )

    report = await run(plan)

    print(report)
    share = plan.duration / 20
    assert report.clean, str(report)
    assert report.faults.cuts >= CUTS * share, report.summary
    assert report.faults.cuts_inside_message * 3 >= report.faults.cuts, report.summary
    assert min(report.up, report.down) >= MESSAGES * share, report.summary
    for language in plan.languages:
        for transport in ("websocket", "sse", "longpoll"):
            for way in ("up", "down"):
                # Each of the twelve ways carries its part, so that none of them is proven by the others.
                carried = report.carried.get(f"{language}/{transport}/{way}", 0)
                assert carried >= MESSAGES * share / 16, f"{language} over {transport} {way}: {carried}"
