"""How every schedule ends: the faults stop, everything arrives, the client moves over, and everything is closed."""

from __future__ import annotations

from antiphon.testing.simulation import invariants, standing_invariants, stream_invariants
from antiphon.testing.simulation.history import Sent
from antiphon.testing.simulation.steps import Play

__all__ = ["finish"]

# The longest that an end may need to find out that something is broken, and to come back: a silent transport is given
# up after 40 s, a poll after as long, and the backoff is at most 30 s.
LONGEST = 150.0
# A call waits for 30 s; nobody waits longer.
CALLS = 31.0
# Moving over: what is emitted has so long to arrive, a few round trips of 40 ms.
ROUND_TRIPS = 0.3
# Or so long when the Welcome is lost: 3 s until it is given up, and the first wait of the backoff.
TAKEOVER = 3.0 + 1.0 + ROUND_TRIPS


def finish(stage: Play) -> None:
    """Play the end; violations are in the history."""
    for act in (_calm, _idle, _move_over, _close):
        if not stage.history.violations:
            with stage.client.process.running():
                act(stage)


def _calm(stage: Play) -> None:
    """No more faults: whatever is broken is found out, and everything arrives."""
    client, history = stage.client, stage.history
    stage.network.calm()
    stage.people.calm = True
    stage.come_online()
    if client.leaving or client.connector.stopped is not None:
        stage.run(10.0)  # a goodbye may still be said
        client.begin()
    stage.run(CALLS)
    waited = CALLS
    while waited < LONGEST and not _quiet(stage):
        stage.run(5.0)
        waited += 5.0
    stage.run(5.0)  # a handler may still sleep
    if client.connector.live is None:
        stage.run(LONGEST)  # a stream was found to be broken only now
    _attached(stage, waited)
    stage.judge()
    standing_invariants.i3_everything_arrived_or_was_told(history, stage.server, client)
    standing_invariants.i14_no_call_is_forgotten(history)
    stream_invariants.i14_every_stream_ended(history, living=True)
    stream_invariants.i16_the_newest_value_arrived(history)
    stream_invariants.i18_nothing_goes_on(history, client)
    if stage.line is not None:
        stream_invariants.i18_nothing_goes_on(history, stage.line)
    standing_invariants.i14_one_outcome_per_call(history)
    line = stage.line
    if line is not None and not history.violations:
        inside = set(client.wanted())
        standing_invariants.i15_both_sides_agree(history, inside, set(line.sockets))


def _attached(stage: Play, waited: float) -> None:
    client, history = stage.client, stage.history
    stopped = client.connector.stopped
    if stopped is None:
        if client.connector.live is None:
            history.violated(f"the client is not attached {waited} s after the last fault", "I3", "I8")
    elif history.losses.get(client.known or "") == "closed":
        client.begin()  # the server said goodbye just before
        stage.run(10.0)
    else:
        history.violated(f"the client gave up: {stopped.code} {stopped.reason}", "I8")


def _quiet(stage: Play) -> bool:
    line = stage.line
    return (
        stage.client.connector.live is not None
        and line is not None
        and not stage.history.open_up
        and not line.log.expected
        and not stage.history.open_flows(living=True)
        and stage.client.session.outbox.idle
        and line.session.outbox.idle
    )


def _idle(stage: Play) -> None:
    """Nothing happens: neither side may be busy with that."""
    requests = stage.network.requests
    stage.run(60.0)
    # One poll every 20 s, and a WebSocket is tried every 30 s: so much less is allowed than while something happens.
    invariants.nobody_is_busy(stage.history, 6 * (stage.network.requests - requests), 60.0, 0)


def _move_over(stage: Play) -> None:
    """In some of the schedules: from WebSocket to polling, and back over a WebSocket that may not carry."""
    random, network = stage.random, stage.network
    if random.random() > 0.05:
        return
    stage.app.join("/a", "yes")
    network.weather.websocket = "refused"
    for stream in network.streams:
        if not stream.over:
            network.sever(stream, tell_client=True, tell_server=True)
    stage.run(2.0)
    mode = network.weather.websocket = random.choice(("open", "open", "deaf", "mute", "silent", "fickle"))
    waiting: list[tuple[float, Sent]] = []
    for _ in range(50):
        waiting += [(stage.time.now, sent) for sent in _talk(stage)]
        stage.run(ROUND_TRIPS)
        if mode == "fickle" and network.swallowed:
            network.weather.websocket = "refused"
        allowed = TAKEOVER if mode == "fickle" else ROUND_TRIPS
        for at, sent in waiting:
            if stage.time.now - at >= allowed:
                invariants.i11_moving_over_never_stops_delivery(stage.history, sent, stage.time.now - at, mode)
        waiting = [(at, sent) for at, sent in waiting if not sent.delivered]
    live = stage.client.connector.live
    if mode == "open" and (live is None or live.kind != "websocket"):
        stage.history.violated("a WebSocket that carries both ways was not moved over to", "I11")
    network.calm()
    stage.run(LONGEST if mode in ("fickle", "mute") else 5.0)
    stage.judge()


def _talk(stage: Play) -> list[Sent]:
    """One event each way."""
    up = stage.app.emit("/a", 0, False, 0, False)
    line = stage.line
    socket = line.sockets.get("/a") if line is not None else None
    sent = [up] if up is not None else []
    if line is not None and socket is not None and "/a" in line.log.rooms:
        sent.append(stage.server_app.emit(line, socket, 0, 0, False, 0))
    return sent


def _close(stage: Play) -> None:
    """A goodbye: the session ends at once, everything else after its window."""
    client, history = stage.client, stage.history
    known = client.known
    if known is not None:
        history.log(known).closing = True
    client.say_goodbye()
    stage.run(5.0)
    if (line := stage.server.line(known)) is not None:
        history.violated(f"{line.log.sid} was closed in a calm network and lives on", "I3")
    stage.run(stage.profile.resume.window + 45.0)
    left = list(stage.server.registry)
    if left:
        history.violated(f"{len(left)} sessions are left", "I17")
    standing_invariants.i15_everybody_left(history)
    standing_invariants.i14_no_call_is_forgotten(history)
    stream_invariants.i14_every_stream_ended(history)
    ends: list[stream_invariants.Ending] = [client, *stage.server.connections]
    for end in ends:
        stream_invariants.i18_nothing_goes_on(history, end)
    stream_invariants.i18_no_task_is_left(history, stage.processes)
    stage.judge()
