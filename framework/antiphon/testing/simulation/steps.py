"""What each step of a schedule does: to the applications, to the network, and to the programs."""

from __future__ import annotations

import json

from antiphon.client.requests import HttpRequest
from antiphon.protocol.packets import Ack, Event, Hello
from antiphon.testing.simulation.applications import NAMESPACES
from antiphon.testing.simulation.asking_steps import AskingSteps
from antiphon.testing.simulation.people import IMPOSTOR
from antiphon.testing.simulation.schedule import Step
from antiphon.testing.simulation.server_connection import SimulatedConnection
from antiphon.testing.simulation.streams import Stream
from antiphon.types import Data

__all__ = ["Play"]


class Play(AskingSteps):
    """A stage on which steps are taken: each is a method of its name, and takes three numbers from the schedule."""

    def step(self, step: Step) -> None:
        """Take one step, let its pause pass, and judge what is there."""
        program = self.client if step.name.startswith(("client_", "page_")) else self.server
        with program.process.running():
            getattr(self, f"_{step.name}")(step.a, step.b, step.c)
        self.run(step.pause)
        self.judge()

    # -- what the applications do

    def _client_emits(self, a: int, b: int, c: int) -> None:
        if (name := self.somewhere(a)) is not None:
            delay = (0, 0, 0, 0, 0, 50, 400, 3000)[b % 8]
            pad = (0, 0, 0, 0, 700, 3000)[b // 8 % 6]
            deadline = (None, None, None, 0.5)[c % 4]
            self.app.emit(name, delay, c % 16 == 5, pad, c % 5 == 2, deadline=deadline)

    def _client_emits_many(self, a: int, b: int, c: int) -> None:
        if (name := self.somewhere(a)) is not None:
            for _ in range(b % 24):
                self.app.emit(name, 0, False, (0, 0, 200, 2000)[c % 4], False)

    def _client_emits_volatile(self, a: int, b: int, c: int) -> None:
        if (name := self.somewhere(a)) is not None:
            for _ in range(b % 3 + 1):
                self.app.emit_volatile(name)

    def _client_emits_latest(self, a: int, b: int, c: int) -> None:
        if (name := self.somewhere(a)) is not None:
            for _ in range(b % 3 + 1):
                self.app.emit(name, 0, False, 0, False, key=("x", "y")[c % 2])

    def _client_joins(self, a: int, b: int, c: int) -> None:
        if not self.client.process.frozen and self.client.session.ending is None:
            self.app.join(NAMESPACES[a % 3], ("yes", "yes", "slow", "no")[b % 4])

    def _client_leaves(self, a: int, b: int, c: int) -> None:
        if (name := self.somewhere(a)) is not None:
            self.app.leave(name)

    def _server_emits(self, a: int, b: int, c: int) -> None:
        if (found := self.someone(a)) is not None:
            line, socket = found
            delay = (0, 0, 0, 0, 0, 50, 400, 3000)[b % 8]
            self.server_app.emit(line, socket, c, delay, c % 16 == 5, (0, 0, 0, 0, 700, 3000)[b // 8 % 6])

    def _server_emits_many(self, a: int, b: int, c: int) -> None:
        if (found := self.someone(a)) is not None:
            line, socket = found
            for _ in range(b % 30):
                self.server_app.emit(line, socket, c, 0, False, (0, 0, 200, 2000)[c % 4])

    def _server_emits_volatile(self, a: int, b: int, c: int) -> None:
        if (found := self.someone(a)) is not None:
            line, socket = found
            for _ in range(b % 3 + 1):
                self.server_app.emit_volatile(line, socket)

    def _server_emits_latest(self, a: int, b: int, c: int) -> None:
        if (found := self.someone(a)) is not None:
            line, socket = found
            for _ in range(b % 3 + 1):
                self.server_app.emit_latest(line, socket, ("x", "y")[c % 2])

    def _server_puts_out(self, a: int, b: int, c: int) -> None:
        if (found := self.someone(a)) is not None:
            line, socket = found
            _task = self.server.process.loop.create_task(socket.disconnect())
            line.log.rooms.pop(socket.namespace.name, None)

    def _room_changes(self, a: int, b: int, c: int) -> None:
        if (found := self.someone(a)) is not None:
            line, socket = found
            name = socket.namespace.name
            room = ("lobby", "red", "blue")[b % 3]
            if c % 2:
                _task = self.server.process.loop.create_task(socket.join(room))
                line.log.rooms[name].add(room)
            else:
                _task = self.server.process.loop.create_task(socket.leave(room))
                line.log.rooms[name].discard(room)
            socket.data["last"] = line.log.data[name]["last"] = b

    # -- time

    def _time_passes(self, a: int, b: int, c: int) -> None:
        self.run((0.1, 0.5, 1.5, 4.0)[a % 4] * b / (1 << 16))

    def _much_time_passes(self, a: int, b: int, c: int) -> None:
        self.run(45.0 * b / (1 << 16))

    def _window_passes(self, a: int, b: int, c: int) -> None:
        if c % 4 == 0:
            self.run(135.0)

    # -- what befalls the network

    def _cut(self, a: int, b: int, c: int) -> None:
        self.network.cut(a, tell_client=b % 4 > 0, tell_server=b // 4 % 4 > 0)

    def _websocket_changes(self, a: int, b: int, c: int) -> None:
        self.network.weather.websocket = ("refused", "refused", "silent", "deaf", "mute", "fickle")[a % 6]
        self.network.weather.events = ("open", "open", "refused", "mute")[c % 4]

    def _websocket_opens_again(self, a: int, b: int, c: int) -> None:
        self.network.weather.websocket = "open"

    def _http_suffers(self, a: int, b: int, c: int) -> None:
        weather = self.network.weather
        weather.losing, weather.losing_answers, weather.doubling = a % 4 / 10, b % 4 / 10, c % 5 / 6

    def _latency_changes(self, a: int, b: int, c: int) -> None:
        self.network.weather.latency = (0.001, 0.02, 0.02, 0.1, 0.5, 1.5)[a % 6]

    def _network_goes_down(self, a: int, b: int, c: int) -> None:
        self.network.weather.down = True
        self.network.sever_all(tell_client=b % 2 > 0, tell_server=c % 2 > 0)

    def _network_comes_back(self, a: int, b: int, c: int) -> None:
        self.network.weather.down = False

    def _pipe_goes_black(self, a: int, b: int, c: int) -> None:
        stream = self.network.stream(a)
        if stream is not None:
            (stream.up if b % 2 else stream.down).black = True

    def _pipe_jams(self, a: int, b: int, c: int) -> None:
        stream = self.network.stream(a)
        if stream is not None:
            (stream.up if b % 2 else stream.down).jam(True)

    def _pipe_flows(self, a: int, b: int, c: int) -> None:
        for stream in self.network.streams:
            stream.up.jam(False)
            stream.down.jam(False)

    # -- what befalls the programs

    def _client_goes_offline(self, a: int, b: int, c: int) -> None:
        if not self.client.process.frozen and self.client.connector.stopped is None:
            self._offline = True
            self.client.offline()

    def _client_comes_online(self, a: int, b: int, c: int) -> None:
        if not self.client.process.frozen:
            self.come_online()

    def come_online(self) -> None:
        """The machine says that it has a network again."""
        if self._offline:
            self._offline = False
            self.client.online()

    def _client_sleeps(self, a: int, b: int, c: int) -> None:
        self.client.process.freeze()
        self.run((2.0, 30.0, 100.0)[a % 3] * b / (1 << 16))
        self.client.process.thaw()
        self.time.settle()

    def _server_stalls(self, a: int, b: int, c: int) -> None:
        self.server.process.freeze()
        late = (2.0, 10.0, 60.0)[a % 3] * b / (1 << 16)
        self.run(late)
        self.server.catch_up(late)
        self.time.settle()

    def _server_restarts(self, a: int, b: int, c: int) -> None:
        if c % 2:
            self.restart_server(tell_client=a % 4 > 0)

    def restart_server(self, *, tell_client: bool) -> None:
        """The process of the server is killed, and another one starts."""
        self.server.process.gone = True
        for log in self.history.sessions.values():
            log.restarted = True
        self.network.sever_all(tell_client=tell_client, tell_server=False)
        for exchange in self.network.exchanges:
            if not exchange.over and exchange.arrived:
                exchange.cut()
        self.start_server()

    def _page_says_it_leaves(self, a: int, b: int, c: int) -> None:
        if not self.client.process.frozen and self.client.hide():
            self._offline = True

    def _client_closes(self, a: int, b: int, c: int) -> None:
        if self.client.process.frozen or c % 2:
            return
        if self.client.known is not None:
            self.history.log(self.client.known).closing = True
        if (line := self.line) is not None:
            line.log.closing = True
        self.client.say_goodbye()

    def _client_connects(self, a: int, b: int, c: int) -> None:
        if self.client.connector.stopped is not None and self.client.session.ending is not None:
            self.client.begin()

    def _page_reloads(self, a: int, b: int, c: int) -> None:
        if self.client.process.frozen:
            return
        if b % 2:
            self.client.hide()
        for sent in [*self.history.open_up.values()]:
            sent.fate = "gone"
        for sent in self.history.calls:
            if not sent.sid and not sent.outcomes:
                sent.outcomes.append("gone")
        self.history.open_up.clear()
        if self.client.known is not None:
            self.history.losses.setdefault(self.client.known, "gone")
        self.client.vanish()
        self.network.sever_all(tell_client=False, tell_server=c % 2 > 0)
        self._offline = False
        self.start_client()
        self.app.join("/a", "yes")
        self.client.begin()

    def _server_closes(self, a: int, b: int, c: int) -> None:
        line = self.line
        if line is not None and not self.server.process.frozen and c % 2:
            line.log.closing = True
            line.session.close(self.time.now, "closed", retry_after=1.0 if b % 2 else None)
            self.server.flusher.soon()
            if line.session.ending is not None:
                line.finish()

    # -- strangers and abuse

    def _stranger_comes(self, a: int, b: int, c: int) -> None:
        """Somebody who knows the sid, but not the key, tries every door."""
        line, codec = self.line, self.client.session.codec
        if line is None or self.server.process.frozen:
            return
        if self.people.asked and c % 2:
            self._impostor_comes(line, b)
            return
        session = line.session
        before = (session.attempt, line.transport, session.inbox.received, session.outbox.acked, session.state)
        key = self.new_id("stranger").ljust(43, "x")
        hello = Hello(key=key, attempt=10_000, sid=session.sid, received=0)
        credentials = (
            ("Antiphon-Session", session.sid),
            ("Antiphon-Key", key),
            ("Antiphon-Attempt", str(session.attempt)),
            ("Antiphon-Request", "9999"),
        )
        ack = codec.pack(0, 0, [codec.encode(Ack(0))])
        leaving = json.dumps({"session": session.sid, "key": key, "attempt": session.attempt}).encode()
        knock: Data = codec.pack(0, 0, [codec.encode(hello)])
        for request in (
            HttpRequest(0, "attach", (), knock, 5.0),
            HttpRequest(0, "poll", credentials, ack, 5.0),
            HttpRequest(0, "push", credentials, ack, 5.0),
            HttpRequest(0, "leave", (), leaving, 5.0),
        ):
            self.server.serve(_Visit(request, codec.form))  # type: ignore[arg-type]  # a visit asks as an exchange does
        after = (session.attempt, line.transport, session.inbox.received, session.outbox.acked, session.state)
        if before != after:
            self.history.violated(f"a stranger changed {before} to {after}", "I9")

    def _impostor_comes(self, line: SimulatedConnection, b: int) -> None:
        """Somebody who has the key as well, and is somebody else."""
        session, codec = line.session, self.client.session.codec
        hello = Hello(
            key=self.client.session.key,
            attempt=session.attempt + 1 + b % 3,
            sid=session.sid,
            received=session.outbox.numbered,
            auth=IMPOSTOR,
        )
        knock: Data = codec.pack(0, 0, [codec.encode(hello)])
        self.server.serve(_Visit(HttpRequest(0, "attach", (), knock, 5.0), codec.form))  # type: ignore[arg-type]  # see above

    def _client_abuses(self, a: int, b: int, c: int) -> None:
        """The client, or what speaks in its name, breaks the rules: that ends its session and nothing else."""
        line, session = self.line, self.client.session
        stream: Stream | None = self.network.stream(0)
        if line is None or stream is None or stream.up.cut or session.sid is None or b % 3:
            return
        line.log.abused = True
        codec, number = session.codec, session.outbox.numbered + 1
        event = codec.encode(Event("/a", "nobody", ["x"]))
        forged: Data = (
            codec.pack(0, 0, [codec.encode(Ack(number + 10_000))]),
            codec.pack(number, 5, [event]),
            codec.pack(number + 7, 1, [event]),
            b"\xc1" if codec.form == "msgpack" else "{",
            codec.pack(number, 100, [event] * 100),
        )[a % 5]
        stream.up.send(forged)


class _Visit:
    """A request whose answer nobody reads."""

    def __init__(self, request: HttpRequest, form: str) -> None:
        self.request = request
        self.form = form

    def answered(self, reply: object) -> None:
        """Nobody reads it."""
