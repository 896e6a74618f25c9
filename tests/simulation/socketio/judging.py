"""What has to be true when the network is good again, and when everybody has gone."""

from __future__ import annotations

from tests.simulation.socketio.history import Life, content
from tests.simulation.socketio.stage import CALL_TIMEOUT, WINDOW, Stage

__all__ = ["finish"]

# Silence, the patience with upgrades, last words that wait, and coming back, each a few times over.
CALM = 16.0


def finish(stage: Stage) -> None:
    """Let everything come to its end, and judge it."""
    _calm(stage)
    stage.run(CALM)
    for _ in range(30):
        # Who sends much to handlers that take their time is held back.
        if all(client.engine is None or client.engine.idle for client in stage.clients):
            break
        stage.run(1.0)
    with stage.process.running():
        for namespace in stage.namespaces:
            stage.emit(namespace, None, "event")
    for client in stage.clients:
        for socket in client.sockets.values():
            if socket.active:
                socket.emit("ask", "value", call=True)
    stage.run(3.0)
    _judge_what_came(stage)
    _leave(stage)
    stage.tick = 1.0  # nothing is left that a quicker one would show
    stage.run(WINDOW + CALL_TIMEOUT + 14.0)
    _judge_what_is_left(stage)


def _calm(stage: Stage) -> None:
    for client in stage.clients:
        client.way.blocked = False
        client.way.pace = min(client.way.pace, 0.05)
        for link in client.way.links:
            link.flow()


def _judge_what_came(stage: Stage) -> None:
    history = stage.history
    inside = {stage.of_socket[socket] for socket in stage.sockets()}
    for client in stage.clients:
        for socket in client.sockets.values():
            where = f"client {client.number} in {socket.namespace}"
            if not socket.active:
                continue
            if not socket.connected or socket.life is None:
                history.violate("comes back", f"{where} is not in, though its network is good")
                continue
            life = socket.life
            if life not in inside:
                history.violate("comes back", f"{where} believes to be in, with life {life.number}")
            if life.got != len(life.expected):
                missing = life.expected[life.got :]
                history.violate("down", f"{where} was never handed {missing} in life {life.number}")
            # What was said on the connection that there is now arrives.
            sent = len(life.sent.get(client.engines, ()))
            if life.taken.get(client.engines, 0) != sent:
                history.violate("up", f"of what {where} said on connection {client.engines} not everything came")
            inside.discard(life)
    for life in inside:
        if life.unsaid or (life.left_by is not None and life.left_by.excuse):
            continue
        history.violate("comes back", f"the server believes life {life.number} to be in, and its client does not")
    for serial, call in history.calls.items():
        wanted = {"value": [[[serial, content(serial)]]], "several": [[serial, content(serial)]], "none": [[]]}
        right = wanted.get(call.kind, wanted["value"] if call.kind == "late" else [])
        if call.answers and call.answers != right:
            history.violate("ack", f"call {serial} ({call.kind}) was answered with {call.answers!r}")
        up = history.up.get(serial)
        if up is None or up.engine != stage.clients[up.life.client].engines or call.kind == "withheld":
            continue
        engine = stage.clients[up.life.client].engine
        if not call.answers and engine is not None and not engine.excuse and not up.life.dismissed:
            history.violate("ack", f"call {serial} ({call.kind}) was not answered, though nothing broke")


def _leave(stage: Stage) -> None:
    """One says that it goes, the next one just goes."""
    for client in stage.clients:
        if stage.random.random() < 0.5:
            for socket in client.sockets.values():
                if socket.active:
                    socket.disconnect()
            continue
        if client.engine is not None:
            client.engine.excuse = client.engine.excuse or "gone"
        client.vanish()
        for request in [*client.way.requests]:
            request.cut(None, 0.0 if stage.random.random() < 0.5 else None)
        for link in [*client.way.links]:
            link.cut(True, True, None, None)


def _judge_what_is_left(stage: Stage) -> None:
    history, server, engine = stage.history, stage.server, stage.engine
    left = {
        "connections that asked for nothing": engine.opening,
        "polls": engine.polled,
        "upgrades": engine.upgrading,
        "addresses": len(engine._sources),
        "sessions": len(server.registry),
        "forms": len(list(server.registry.forms)),
        "sockets": len(stage.sockets()),
        "rooms": sum(len(namespace.rooms) for namespace in stage.namespaces),
        "sessions with handlers": len(server.lingering),
        "tasks": len(stage.process.loop.tasks),
    }
    for what, count in left.items():
        if count:
            history.violate("left", f"{count} {what} are left")
    for life in history.lives.values():
        _judge_end(stage, life)
    for serial, call in history.server_calls.items():
        if len(call.answers) != 1:
            history.violate("call", f"call {serial} of the server has the outcomes {call.answers!r}")
    if any(client.way.answered_twice for client in stage.clients):
        history.violate("answers", "a request was answered twice")


def _judge_end(stage: Stage, life: Life) -> None:
    history = stage.history
    if len(life.goodbyes) != life.connects:
        history.violate("goodbye", f"life {life.number} began {life.connects} times and ended {life.goodbyes}")
    if life.connects > 1:
        history.violate("recovered", f"life {life.number} was begun {life.connects} times")
    ended = any(other.dismissed or other.unsaid for other in history.lives.values() if other.client == life.client)
    for reason in life.goodbyes:
        word = reason.partition(":")[0]
        if life.answered and not ended and life.client not in history.rude and word in ("left", "unknown"):
            history.violate("kept", f"life {life.number} could have gone on and was ended with {reason}")
        if life.client not in history.rude and word in ("protocol", "flood", "overflow", "miscounted", "mismatch"):
            history.violate("goodbye", f"life {life.number} was ended with {reason}")
