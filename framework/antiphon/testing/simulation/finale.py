"""How every schedule ends: the faults stop, everything arrives, the client moves over, and everything is closed."""

from __future__ import annotations

from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.stage import Stage

__all__ = ["finish"]

# The longest that an end may need to find out that something is broken, and to come back: a silent transport is given
# up after 40 s, a poll after as long, and the backoff is at most 30 s.
LONGEST = 150.0
# A call waits for 30 s; nobody waits longer.
CALLS = 31.0


def finish(stage: Stage) -> None:
    """Play the end; violations are in the history."""
    _calm(stage)
    if stage.history.violations:
        return
    _close(stage)


def _calm(stage: Stage) -> None:
    client, history = stage.client, stage.history
    stage.network.calm()
    stage._client_comes_online(0, 0, 0)
    if client.connector.stopped is not None:
        if client.session.ending is None:
            stage.run(4.0)
        client.connect()
    stage.run(CALLS)
    waited = CALLS
    while waited < LONGEST and not _quiet(stage):
        stage.run(5.0)
        waited += 5.0
    stage.run(5.0)  # a handler may still sleep
    if client.connector.stopped is not None:
        if history.losses.get(client.known or "") != "closed":
            stopped = client.connector.stopped
            history.violated(f"the client gave up: {stopped.code} {stopped.reason}", "I8")
        client.connect()
        stage.run(5.0)
    elif client.connector.live is None:
        history.violated(f"the client is not attached {waited} s after the last fault", "I3", "I8")
    stage.judge()
    invariants.i3_everything_arrived_or_was_told(history, stage.server, client)
    invariants.i14_no_call_is_forgotten(history)
    invariants.i14_one_outcome_per_call(history)
    line = stage.line
    if line is not None and not history.violations:
        inside = {member.namespace for member in client.session.members.wanted()}
        if inside != set(line.sockets):
            history.violated(f"the client is in {inside}, its server has {set(line.sockets)}", "I13", "I15")


def _quiet(stage: Stage) -> bool:
    line = stage.line
    return (
        stage.client.connector.live is not None
        and line is not None
        and not stage.history.open_up
        and not line.log.expected
        and stage.client.session.outbox.idle
        and line.session.outbox.idle
    )


def _close(stage: Stage) -> None:
    client, history = stage.client, stage.history
    if client.known is not None:
        history.log(client.known).closing = True
    if (line := stage.line) is not None:
        line.log.closing = True
    client.close()
    stage.run(5.0)
    if (line := stage.line) is not None:
        history.violated(f"{line.log.sid} was closed in a calm network and lives on", "I3")
    stage.run(stage.profile.resume.window + 45.0)
    left = list(stage.server.registry)
    if left:
        history.violated(f"{len(left)} sessions are left", "I17")
    invariants.i15_everybody_left(history)
    stage.judge()
