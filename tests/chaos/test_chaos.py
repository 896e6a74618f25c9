"""The proof with real sockets: hundreds of cuts under thousands of messages, and nothing lost, doubled or reordered.

DURATION (seconds), SEED and CLIENTS change the run; a longer one has to reach proportionally more. `make chaos` is the
long one.
"""

from __future__ import annotations

import os

from tests.chaos.run import Plan, run

# Of 20 seconds: half of what `make chaos` reaches, since other tests may run beside this one.
CUTS = 330
MESSAGES = 17_000
# Of each of the twelve ways: two languages, three transports, up and down.
EACH_WAY = 250
FAULTS = (
    "resets",
    "closes",
    "cuts_inside_message",
    "stalls",
    "trickles",
    "delays",
    "black_holes",
    "responses_lost",
    "posts_repeated",
    "refusals",
    "upgrades_refused",
    "outages",
)


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
    assert report.messages >= MESSAGES * share, report.summary
    assert min(report.items, report.calls, report.stays, report.broadcasts) > 0, str(report)
    assert report.told > 0, str(report)
    for fault in FAULTS:
        assert getattr(report.faults, fault) > 0, f"{fault}: {report}"
    for language in plan.languages:
        for transport in ("websocket", "sse", "longpoll"):
            for way in ("up", "down"):
                # Each of the twelve ways carries its part, so that none of them is proven by the others.
                carried = report.carried.get(f"{language}/{transport}/{way}", 0)
                assert carried >= EACH_WAY * share, f"{language} over {transport} {way}: {carried}"
