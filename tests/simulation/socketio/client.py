"""A client as socket.io-client 4.8 is one: a manager that comes back, and a socket for each namespace."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Any

from antiphon.testing.simulation.virtual_time import VirtualTime
from antiphon.types import Data
from tests.simulation.socketio.engine import Engine
from tests.simulation.socketio.history import Call, History, Life, content
from tests.simulation.socketio.network import Way
from tests.simulation.socketio.spelling import UNDEFINED, Kind, MsgpackParser, Said, TextParser

__all__ = ["Client", "ClientSocket"]

# It waits so long for a connection to open.
CONNECT_TIMEOUT = 6.0


class Client:
    """See its manager.js. States: closed, opening, open."""

    def __init__(
        self,
        number: int,
        way: Way,
        time: VirtualTime,
        random: Random,
        history: History,
        transports: tuple[str, ...],
        msgpack: bool,
    ) -> None:
        self.number = number
        self.way = way
        self.time = time
        self.random = random
        self.history = history
        self.transports = transports
        self.msgpack = msgpack
        self.state = "closed"
        self.engine: Engine | None = None
        self._heard: Engine | None = None  # the one that is listened to
        self.engines = 0
        self.sockets: dict[str, ClientSocket] = {}
        self.reconnecting = False
        self._parser = MsgpackParser() if msgpack else TextParser()
        self._stays_away = False
        self._attempt = 0

    def socket(self, namespace: str) -> ClientSocket:
        """Come into a namespace."""
        socket = self.sockets.get(namespace)
        if socket is None:
            socket = self.sockets[namespace] = ClientSocket(self, namespace)
        if not socket.active and not socket.unanswered:
            socket.connect()
        return socket

    def open(self) -> None:
        if self.state != "closed":
            return
        self.state, self._stays_away = "opening", False
        self.engines += 1
        attempt = self._attempt = self._attempt + 1
        self.engine = self._heard = Engine(self, self.way, self.time, self.engines, self.transports)
        self.time.after(CONNECT_TIMEOUT, partial(self._too_late, attempt))

    def _too_late(self, attempt: int) -> None:
        if self.state == "opening" and attempt == self._attempt and self.engine is not None:
            self._not_opened()
            self.engine.close()

    def _not_opened(self) -> None:
        self._clean_up()
        self.state, self.reconnecting = "closed", False
        self._reconnect()

    def _clean_up(self) -> None:
        self._heard = None
        self._parser.destroy()

    # -- from the engine

    def on_engine_open(self, engine: Engine) -> None:
        if self.state == "opening" and engine is self._heard:
            self._parser.destroy()
            self.state, self.reconnecting = "open", False
            for socket in self.sockets.values():
                if socket.active:
                    socket.on_open()

    def on_engine_error(self, engine: Engine) -> None:
        if self.state == "opening" and engine is self._heard:
            self._not_opened()

    def on_engine_message(self, engine: Engine, message: Data) -> None:
        if self.state != "open" or engine is not self._heard:
            return
        try:
            said = self._parser.decode(message)
        except ValueError as error:
            self.history.violate("parse", f"client {self.number} cannot read {message!r}: {error}")
            self._closed("parse error")
            return
        if said is not None:
            self.time.soon(partial(self._told, said))

    def _told(self, said: Said) -> None:
        socket = self.sockets.get(said.nsp)
        if socket is not None and socket.active:
            socket.on_packet(said)

    def on_engine_close(self, engine: Engine, reason: str) -> None:
        self.history.note(f"client {self.number}: connection {engine.number} ended, {reason} ({engine.excuse})")
        if not engine.excuse and self.number not in self.history.ended:
            self.history.violate("disturbed", f"client {self.number} lost connection {engine.number}: {reason}")
        if self.state == "open" and engine is self._heard:
            self._closed(reason)

    def _closed(self, reason: str) -> None:
        self._clean_up()
        if self.engine is not None:
            self.engine.close()
        self.state = "closed"
        for socket in self.sockets.values():
            if socket.active:
                socket.on_close()
        self._reconnect()

    def _reconnect(self) -> None:
        if not self.reconnecting and not self._stays_away:
            self.reconnecting = True
            self.time.after(0.05 + self.random.random(), self._try)

    def _try(self) -> None:
        if not self._stays_away:
            self.open()

    # -- out

    def write(self, said: Said) -> None:
        """In whichever state: a connection that is over drops it, one that opens keeps it."""
        if self.engine is not None:
            for message in self._parser.encode(said):
                self.engine.write(message)

    def rude(self, how: str) -> None:
        """Clients of this kind do that, and servers of this kind close their connection for it."""
        if self.engine is not None and self.engine.state in ("opening", "open"):
            self.engine.excuse = self.engine.excuse or how
            self.history.rude.add(self.number)

    def vanish(self) -> None:
        """It goes without a word, and does not come back."""
        self._stays_away = True
        self.history.note(f"client {self.number}: vanishes")
        if self.engine is not None:
            self.engine.vanish()

    def inactive(self) -> None:
        """A socket has left; with the last one the connection is closed."""
        if not any(socket.active for socket in self.sockets.values()):
            self._stays_away, self.reconnecting = True, False
            self._closed("forced close")


class ClientSocket:
    """See its socket.js."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.namespace = namespace
        self.active = self.connected = False
        self.sid: str | None = None
        self.life: Life | None = None
        self._client = client
        self._history = client.history
        self._lives: list[Life] = []
        self._asked: Life | None = None
        self._pid: str | None = None
        self._offset: str | None = None
        self._kept: list[Said] = []  # what came before the CONNECT
        self._waiting: list[tuple[Said, int]] = []  # what was said before it, and its number
        self._calls: dict[int, int] = {}
        self._ids = 0

    @property
    def unanswered(self) -> bool:
        """It was left before it was let in, without a word: an answer may come that belongs to either question."""
        asked = self._asked
        return asked is not None and asked.engine == self._client.engines and not asked.answered

    def connect(self) -> None:
        client = self._client
        if self.connected:
            return
        self.active = True
        if not client.reconnecting:
            client.open()
        if client.state == "open":
            self.on_open()

    def on_open(self) -> None:
        """There is a connection: ask for the namespace."""
        client, history = self._client, self._history
        number = len(history.lives) + 1
        self._asked = history.lives[number] = Life(number, client.number, self.namespace, client.engines)
        auth: dict[str, Any] = {"life": number}
        if self._pid is not None:
            auth = {"pid": self._pid, "offset": self._offset, **auth}
            if self._offset is None and client.msgpack:
                auth["offset"] = UNDEFINED
            elif self._offset is None:
                del auth["offset"]
        history.note(f"client {client.number} {self.namespace}: asks for life {number} from {self._offset} on")
        client.write(Said(Kind.CONNECT, self.namespace, auth))

    def on_close(self) -> None:
        self.connected = False
        self._forget_calls()

    def _forget_calls(self) -> None:
        buffered = {said.id for said, _ in self._waiting}
        self._calls = {id: serial for id, serial in self._calls.items() if id in buffered}

    def disconnect(self) -> None:
        """Leave."""
        if self.connected:
            self._client.write(Said(Kind.DISCONNECT, self.namespace))
            if self.life is not None:
                self.life.dismissed, self.life.left_by = True, self._client.engine
        else:
            # Nobody is told: the server learns it when the connection ends.
            if self._asked is not None:
                for life in self._history.stays(self._asked):
                    life.unsaid = True
        self.active = False
        self._client.inactive()
        if self.connected:
            self.on_close()

    # -- in

    def on_packet(self, said: Said) -> None:
        client = self._client
        match said.kind:
            case Kind.CONNECT:
                self._on_connect(said.data["sid"], said.data.get("pid"))
            case Kind.EVENT if self.connected:
                self._on_event(said)
            case Kind.EVENT:
                self._kept.append(said)
            case Kind.ACK:
                self._on_ack(said)
            case Kind.DISCONNECT:
                self._history.note(f"client {self._client.number} {self.namespace}: was put out")
                self.active = False
                if self._asked is not None:
                    self._asked.answered = True
                self._client.inactive()
                self.on_close()
            case Kind.CONNECT_ERROR:
                if not any(life.dismissed for life in self._history.lives.values() if life.client == client.number):
                    self._history.violate("refused", f"client {client.number} {self.namespace}: {said.data}")
                self.active = False
                self._client.inactive()

    def _on_connect(self, sid: str, pid: str | None) -> None:
        recovered = pid is not None and pid == self._pid
        before, asked, history = self.life, self._asked, self._history
        assert asked is not None
        asked.answered = True
        history.note(f"client {self._client.number} {self.namespace}: is in, {recovered=}, life {asked.number}")
        if recovered:
            history.recovered += 1
            over = before is None or (bool(before.goodbyes) and not before.dismissed)
            if over or asked.connects or sid != self.sid:
                history.violate("recovered", f"life {before and before.number} was over, and is said to be recovered")
        else:
            if not asked.connects:
                history.violate("recovered", f"life {asked.number} was begun without its connect handler")
            # Who was put out and comes again within its session has the same one.
            if before is not None and sid == self.sid and not before.goodbyes:
                history.violate("recovered", f"life {asked.number} has the sid of {before.number}")
            if before is not None:
                self._lives.insert(0, before)
            self.life = asked
        self.sid, self._pid, self.connected = sid, pid, True
        kept, self._kept = self._kept, []
        for said in kept:
            self._on_event(said)
        waiting, self._waiting = self._waiting, []
        for said, serial in waiting:
            self._send(said, serial)

    def _on_event(self, said: Said) -> None:
        life, history = self.life, self._history
        assert life is not None
        args: list[Any] = said.data[1:]
        if self._pid is not None and said.id is None:
            if args and isinstance(args[-1], str):
                self._offset = args[-1]
            args = args[:-1]
        serial, how, *rest = args
        history.check(serial, rest)
        if said.id is not None:
            history.called(serial, life)
            self._answer(said.id, serial, how)
        history.arrived(serial, life, self._lives)

    def _answer(self, id: int, serial: int, how: Any) -> None:
        reply = partial(self._reply, id, serial)
        if how == 0:
            reply()
        elif isinstance(how, float):
            self._client.time.after(how, reply)

    def _reply(self, id: int, serial: int) -> None:
        """Whether it is connected or not: nobody looks."""
        client = self._client
        if not self.connected:
            client.rude("an acknowledgement came before its CONNECT was answered")
        client.write(Said(Kind.ACK, self.namespace, [serial, content(serial)], id))

    def _on_ack(self, said: Said) -> None:
        assert said.id is not None
        serial = self._calls.pop(said.id, None)
        if serial is not None:
            self._history.calls[serial].answers.append(said.data)

    # -- out

    def emit(self, name: str, how: Any, *, volatile: bool = False, call: bool = False) -> None:
        """Say something; `how` tells the handler what to do."""
        client, serial, id = self._client, self._history.number(), None
        if call:
            id, self._ids = self._ids, self._ids + 1
            self._calls[id] = serial
            self._history.calls[serial] = Call(str(how))
        said = Said(Kind.EVENT, self.namespace, [name, serial, how, *content(serial)], id)
        if volatile and not (client.engine is not None and client.engine.writable):
            return
        if self.connected:
            self._send(said, serial)
        else:
            self._waiting.append((said, serial))

    def _send(self, said: Said, serial: int) -> None:
        assert self.life is not None
        self._history.said(serial, self.life, self._client.engines)
        self._client.write(said)
