"""The two applications that talk: their handlers write down what they are handed, take their time, and ask back.

Their arguments are Any on purpose: a schedule registers handlers anew, and reading other annotations takes its time.
"""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

from antiphon.client.namespace import ClientNamespace
from antiphon.errors import CallError, ConnectionClosed, LocalProtocolError, OutboxFull, Refused
from antiphon.protocol.packets import Call, Event, Volatile
from antiphon.server.namespace import Namespace
from antiphon.server.socket import Socket
from antiphon.testing.simulation import invariants
from antiphon.testing.simulation.client_end import ClientEnd
from antiphon.testing.simulation.history import Sent, SessionLog
from antiphon.testing.simulation.server_connection import SimulatedConnection
from antiphon.testing.simulation.server_end import ServerEnd
from antiphon.testing.simulation.tasks import Signal, Task, pause

__all__ = ["NAMESPACES", "ClientApplication", "ServerApplication"]

NAMESPACES = ("/a", "/b", "/c")


class ServerApplication:
    """What runs on the server."""

    def __init__(self, server: ServerEnd, random: Random) -> None:
        self.server = server
        self.history = server.history
        self.random = random
        self.latest: list[Sent] = []
        for name in NAMESPACES:
            self._register(server.namespace(name))

    def _register(self, namespace: Namespace) -> None:
        namespace.on_connect(self._connect)
        namespace.on_disconnect(self._disconnect)
        namespace.on("e")(self._event)
        namespace.on("c")(self._call)
        namespace.on("v")(self._volatile)

    def log(self, socket: Socket) -> SessionLog:
        """The log of a socket's session."""
        return self.history.sessions[socket.id.partition("/")[0]]

    # -- handlers

    async def _connect(self, socket: Socket, auth: Any) -> None:
        log, name = self.log(socket), socket.namespace.name
        invariants.i15_entered(self.history, log, name)
        socket.data["name"] = log.sid
        await socket.join("lobby")
        if auth == "slow":
            await pause(self.server.time, 0.5)
        if auth == "no":
            invariants.i15_left(self.history, log, name)
            raise Refused("not you")
        log.rooms[name], log.data[name] = {"lobby"}, {"name": log.sid}

    async def _disconnect(self, socket: Socket) -> None:
        log, name = self.log(socket), socket.namespace.name
        invariants.i15_left(self.history, log, name)
        log.rooms.pop(name, None)
        log.data.pop(name, None)

    async def _event(self, socket: Socket, serial: Any, delay: Any, ask: Any, again: Any, pad: Any) -> None:
        invariants.i2_up_in_order_once(self.history, self.log(socket), self.history.up[serial], again)
        if delay:
            await pause(self.server.time, delay / 1000)
        if ask:
            await socket.call("c", self.history.serial(), delay, timeout=5.0)

    async def _call(self, socket: Socket, serial: Any, delay: Any, again: Any) -> Any:
        invariants.i2_up_in_order_once(self.history, self.log(socket), self.history.up[serial], again)
        if delay:
            await pause(self.server.time, delay / 1000)
        return serial

    async def _volatile(self, socket: Socket, mark: Any) -> None:
        invariants.i16_volatile_at_most_once_up(self.history, self.log(socket), int(mark[2:]))

    # -- what it emits by itself

    def socket(self, line: SimulatedConnection, which: int) -> Socket | None:
        """One of the sockets of a client that are in."""
        sockets = [socket for name, socket in line.sockets.items() if name in line.log.rooms]
        return sockets[which % len(sockets)] if sockets else None

    def emit(self, line: SimulatedConnection, socket: Socket, how: int, delay: int, ask: bool, pad: int) -> Sent:
        """An event to a client: to its socket, or to a room that it is in."""
        sent = Sent(self.history.serial(), "event", socket.namespace.name, self.server.time.now, sid=line.log.sid)
        args = [sent.serial, delay, ask, bytes(pad)]
        if how % 2:
            if socket.rooms:
                socket.namespace.to(*sorted(socket.rooms)).emit_nowait("e", *args)
                self.server.emitted(line, sent)
                self.server.note_bounds()  # it went to the sessions of pages that are gone as well
        else:
            socket.emit_nowait("e", *args)
            self.server.emitted(line, sent)
        return sent

    def emit_latest(self, line: SimulatedConnection, socket: Socket, key: str) -> None:
        """A value of which only the newest counts."""
        sent = Sent(
            self.history.serial(), "latest", socket.namespace.name, self.server.time.now, sid=line.log.sid, key=key
        )
        packet = Event(socket.namespace.name, "e", [sent.serial, 0, False, key])
        sent.entry = line.session.send(packet, key=(socket.namespace.name, key))
        self.server.flusher.soon()
        self.server.emitted(line, sent)
        self.latest.append(sent)

    def emit_volatile(self, line: SimulatedConnection, socket: Socket) -> None:
        """An event that may be dropped."""
        serial, now = self.history.serial(), self.server.time.now
        line.log.volatile[serial] = (now, line.log.detaches)
        line.session.send_volatile(Volatile(socket.namespace.name, "v", [f"~d{serial:06}"]), now)
        self.server.flusher.soon()

    def call(self, socket: Socket, delay: int, timeout: float) -> None:
        """A call to a client; its outcome is written down by the connection."""
        Task(self.server.time, self.server.process, self._ask(socket, delay, timeout))

    async def _ask(self, socket: Socket, delay: int, timeout: float) -> None:
        try:
            await socket.call("c", self.history.serial(), delay, timeout=timeout)
        except (CallError, ConnectionClosed):
            return


class ClientApplication:
    """What runs at the client."""

    def __init__(self, client: ClientEnd, random: Random) -> None:
        self.client = client
        self.history = client.history
        self.random = random
        self.inside: dict[str, bool] = {}
        self.clears = False
        self.latest: list[Sent] = []

    def join(self, name: str, auth: str) -> None:
        """Ask for a namespace."""
        fresh = name not in self.client.namespaces
        namespace = self.client.namespace(name, auth)
        if fresh:
            self._register(namespace)

    def _register(self, namespace: ClientNamespace) -> None:
        namespace.on_connect(partial(self._connect, namespace.name))
        namespace.on_disconnect(partial(self._disconnect, namespace.name))
        namespace.on("e")(self._event)
        namespace.on("c")(self._call)
        namespace.on("v")(self._volatile)

    # -- handlers

    async def _connect(self, name: str) -> None:
        if self.inside.get(name):
            self.history.violated(f"the client entered {name} twice", "I15")
        self.inside[name] = True
        if self.clears:
            self.client.session.clear(name)
        if self.random.random() < 0.5:
            self.emit(name, 0, False, 0, False)
        if self.random.random() < 0.3:
            await pause(self.client.time, 0.3)

    async def _disconnect(self, name: str) -> None:
        if not self.inside.get(name):
            self.history.violated(f"the client left {name} without being there", "I15")
        self.inside[name] = False

    async def _event(self, serial: Any, delay: Any, ask: Any, pad: Any) -> None:
        invariants.i1_down_in_order_once(self.history, self.history.down[serial])
        if delay:
            await pause(self.client.time, delay / 1000)
        if ask:
            name = self.history.down[serial].namespace
            signal = self.call(name, 0, 5.0, False)
            if signal is not None:
                await signal

    async def _call(self, serial: Any, delay: Any) -> Any:
        invariants.i1_down_in_order_once(self.history, self.history.down[serial])
        if delay:
            await pause(self.client.time, delay / 1000)
        return serial

    async def _volatile(self, mark: Any) -> None:
        known = self.client.known
        serial = int(mark[2:])
        for log in self.history.sessions.values():
            if serial in log.volatile:
                invariants.i16_volatile_at_most_once_down(self.history, log, serial)
        assert known is not None

    # -- what it emits

    def wanted(self, which: int) -> str | None:
        """One of the namespaces that were asked for and did not refuse."""
        names = [member.namespace for member in self.client.session.members.wanted()]
        return names[which % len(names)] if names else None

    def emit(
        self,
        name: str,
        delay: int,
        ask: bool,
        pad: int,
        repeatable: bool,
        *,
        deadline: float | None = None,
        key: str = "",
    ) -> Sent | None:
        """An event to the server; None when it was refused here."""
        client = self.client
        kind = "latest" if key else "event"
        sent = Sent(self.history.serial(), kind, name, client.time.now, key=key, repeatable=repeatable)
        packet = Event(name, "e", [sent.serial, delay, ask, repeatable, key or bytes(pad)])
        try:
            sent.entry = client.session.emit(
                packet,
                deadline=None if deadline is None else client.time.now + deadline,
                key=(name, key) if key else None,
                repeatable=repeatable,
            )
        except (OutboxFull, ConnectionClosed, LocalProtocolError):
            return None
        sent.held = sent.entry.held
        self.history.up[sent.serial] = self.history.open_up[sent.serial] = sent
        if key:
            self.latest.append(sent)
        client.after()
        return sent

    def emit_volatile(self, name: str) -> None:
        """An event that may be dropped."""
        serial, client = self.history.serial(), self.client
        self.history.volatile_up[serial] = (client.time.now, client.session.detaches)
        client.session.emit_volatile(Volatile(name, "v", [f"~u{serial:06}"]), client.time.now)
        client.after()

    def call(self, name: str, delay: int, timeout: float, repeatable: bool) -> Signal | None:
        """A call to the server; the signal is set with its outcome."""
        client, session = self.client, self.client.session
        sent = Sent(self.history.serial(), "call", name, client.time.now, repeatable=repeatable)
        signal = Signal()

        def settle(outcome: Any) -> None:
            sent.outcomes.append(outcome)
            self.history.open_up.pop(sent.serial, None)  # whatever becomes of it, nobody waits for it
            signal.set(outcome)

        packet = Call(session.next_call(), name, "c", [sent.serial, delay, repeatable], round(timeout * 1000))
        try:
            pending = session.emit_call(packet, settle, client.time.now + timeout, repeatable=repeatable)
        except (OutboxFull, ConnectionClosed, LocalProtocolError):
            return None
        sent.entry = pending.entry
        sent.held = pending.entry.held
        self.history.up[sent.serial] = self.history.open_up[sent.serial] = sent
        self.history.calls.append(sent)
        client.after()
        return signal
