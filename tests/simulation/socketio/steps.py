"""What each step of a schedule does."""

from __future__ import annotations

from random import Random

from tests.simulation.socketio.client import Client, ClientSocket
from tests.simulation.socketio.network import Link
from tests.simulation.socketio.schedule import Step
from tests.simulation.socketio.stage import NAMESPACES, WINDOW, Stage

__all__ = ["Play"]

KINDS = ("value", "several", "none", "withheld", "late")
# How a client answers: at once, late, or never.
ANSWERS = (0, 0, 0.3, 1.5, 3.9, "never")


class Play(Stage):
    """A stage with everything that can happen on it. Steps that find nothing to do do nothing."""

    def step(self, step: Step) -> None:
        """Take it, and let time pass."""
        self.history.note(str(step))
        client = self.clients[step.a % len(self.clients)]
        with self.process.running():
            getattr(self, f"_{step.name}")(client, step)
        self.run(step.pause)

    # -- the server

    def _server_emits(self, client: Client, step: Step) -> None:
        self.emit(self.namespaces[step.b % 3], ("all", "even", "odd", None)[step.c % 4], "event")

    def _server_emits_many(self, client: Client, step: Step) -> None:
        random = Random(step.c)
        for _ in range(2 + step.b % 9):
            kind = random.choice(("event", "event", "event", "volatile"))
            sockets = self.sockets()
            if sockets and random.random() < 0.3:
                self.emit_to(random.choice(sockets), kind)
            else:
                self.emit(random.choice(self.namespaces), random.choice(("all", "even", None)), kind)

    def _server_emits_to_one(self, client: Client, step: Step) -> None:
        if sockets := self.sockets():
            self.emit_to(sockets[step.b % len(sockets)], "event")

    def _server_emits_volatile(self, client: Client, step: Step) -> None:
        self.emit(self.namespaces[step.b % 3], "all", "volatile")

    def _server_calls(self, client: Client, step: Step) -> None:
        if sockets := self.sockets():
            self.call(sockets[step.b % len(sockets)], ANSWERS[step.c % len(ANSWERS)])

    def _server_puts_out(self, client: Client, step: Step) -> None:
        if sockets := self.sockets():
            socket = sockets[step.b % len(sockets)]
            self.of_socket[socket].dismissed = True
            socket.connection.joining.put_out(socket, "for the test")

    def _server_ends(self, client: Client, step: Step) -> None:
        if sockets := self.sockets():
            socket = sockets[step.b % len(sockets)]
            for other in socket.connection.sockets.values():
                if other in self.of_socket:
                    self.of_socket[other].dismissed = True
            self.history.ended.add(self.of_socket[socket].client)
            socket.connection.dismiss("for the test")

    # -- clients

    def _socket(self, client: Client, step: Step) -> ClientSocket:
        return client.sockets[[*client.sockets][step.b % len(client.sockets)]]

    def _client_emits(self, client: Client, step: Step) -> None:
        self._socket(client, step).emit("say", (0.0, 0.0, 0.0, 0.4, 2.0)[step.c % 5])

    def _client_emits_many(self, client: Client, step: Step) -> None:
        for number in range(2 + step.c % 30):
            self._socket(client, step).emit("say", 0.3 if number == 3 else 0.0)

    def _client_shouts(self, client: Client, step: Step) -> None:
        self._socket(client, step).emit("shout", 0)

    def _client_emits_volatile(self, client: Client, step: Step) -> None:
        self._socket(client, step).emit("say", 0.0, volatile=True)

    def _client_calls(self, client: Client, step: Step) -> None:
        self._socket(client, step).emit("ask", KINDS[step.c % len(KINDS)], call=True)

    def _client_leaves(self, client: Client, step: Step) -> None:
        self._socket(client, step).disconnect()

    def _client_joins(self, client: Client, step: Step) -> None:
        client.socket(NAMESPACES[step.b % 3])

    # -- time and network

    def _time_passes(self, client: Client, step: Step) -> None:
        self.run(2.0 * (step.b % 100) / 100)

    def _window_passes(self, client: Client, step: Step) -> None:
        self.run(WINDOW + 6.0)

    def _everything_breaks(self, client: Client, step: Step) -> None:
        for request in [*client.way.requests]:
            request.cut(*_heard(step))
        for link in [*client.way.links]:
            link.cut(True, True, *_heard(step))
        self._cut(client)

    def _request_breaks(self, client: Client, step: Step) -> None:
        if requests := client.way.requests:
            requests[step.b % len(requests)].cut(*_heard(step))
            self._cut(client)

    def _websocket_breaks(self, client: Client, step: Step) -> None:
        engine = client.engine
        for link in [*client.way.links]:
            if engine is None or engine.probe is None or engine.probe.transport.link is not link:
                self._break(link, step)
                self._cut(client)

    def _upgrade_breaks(self, client: Client, step: Step) -> None:
        """The session itself is not hurt by that."""
        engine = client.engine
        if engine is not None and engine.probe is not None and engine.probe.transport.link is not None:
            self._break(engine.probe.transport.link, step)
            self.history.cuts += 1

    def _break(self, link: Link, step: Step) -> None:
        up, down = ((True, True), (True, False), (False, True))[step.b % 3]
        link.cut(up, down, *_heard(step))

    def _cut(self, client: Client) -> None:
        self.history.cuts += 1
        if client.engine is not None:
            client.engine.excuse = client.engine.excuse or "cut"

    def _websocket_jams(self, client: Client, step: Step) -> None:
        for link in client.way.links:
            link.jam()
            self.time.after(0.2 + (step.b % 8) / 10, link.flow)

    def _websockets_are_blocked(self, client: Client, step: Step) -> None:
        client.way.blocked = not client.way.blocked

    def _pace_changes(self, client: Client, step: Step) -> None:
        client.way.pace = (0.0, 0.01, 0.1, 0.2)[step.b % 4]


def _heard(step: Step) -> tuple[float | None, float | None]:
    """Who hears of a cut, and when: the client and the server."""
    return ((0.0, 0.0), (0.0, None), (0.3, 0.1), (0.05, 3.0), (None, 0.0), (None, None), (0.2, 0.2))[step.c % 7]
