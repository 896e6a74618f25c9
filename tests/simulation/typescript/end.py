"""The client's end in TypeScript: a page in a Node process, whose clients reach the simulated network through here."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from antiphon.client.requests import HttpRequest
from antiphon.config import Inbox, Outbox
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.dialects.native.http import CONTENT_TYPES
from antiphon.protocol.closing import Ending
from antiphon.protocol.codec import Codec
from antiphon.testing.simulation.page import Setting
from antiphon.testing.simulation.people import OWNER
from antiphon.testing.simulation.process import Process
from antiphon.types import Data
from tests.simulation.typescript.node import Answer, NodeProcess, State
from tests.simulation.typescript.notes import Notes
from tests.simulation.typescript.ports import EventsPort, PushPort, SocketPort

__all__ = ["Traffic", "TypeScriptEnd"]

NEVER = float("inf")
NOTHING = State(None, None, 0, 0, 0, True, 0, [], None, None)


class _Outbox(NamedTuple):
    packets: int
    size: int
    bounds: Outbox
    numbered: int
    idle: bool


class _Inbox:
    """What arrives is handed over at once, so nothing is ever in it."""

    def __init__(self, bounds: Inbox) -> None:
        self.bounds = bounds

    def __len__(self) -> int:
        return 0


class _Gates(NamedTuple):
    """What waits at a gate is part of the outbox."""

    packets: int = 0
    size: int = 0


class _Link(NamedTuple):
    kind: str


class _Stopped(NamedTuple):
    code: str
    reason: str


class _Session:
    """What the client told last of its session."""

    members = _Gates()
    streams = answering = ()  # they are among its calls

    def __init__(self, setting: Setting, codec: Codec) -> None:
        self.key = setting.key
        self.codec = codec
        self.detaches = 0
        self._clients = 0
        self.inbox = _Inbox(setting.profile.client_inbox)
        self._bounds = setting.profile.client_outbox
        self.show(NOTHING)

    def renew_key(self) -> str:
        """Each client has a key of its own."""
        self._clients += 1
        self.key = f"{self.key[:-3]}{self._clients:03}"
        return self.key

    def show(self, state: State) -> None:
        """Take over what is new."""
        self.sid = state.sid
        self.ending = None if state.ending is None else Ending(*state.ending)
        self.outbox = _Outbox(state.packets, state.size, self._bounds, state.numbered, state.idle)
        self.calls = range(state.calls)


class _Connector:
    """What the client told last of its transports."""

    live: _Link | None = None
    stopped: _Stopped | None = None

    def show(self, state: State) -> None:
        """Take over what is new."""
        self.live = None if state.live is None else _Link(state.live)
        self.stopped = None if state.stopped is None else _Stopped(*state.stopped)


class Visitor:
    """One client of a page; when the page makes the next one, it is gone."""

    def __init__(self, process: Process) -> None:
        self.over = False
        self._process = process

    @property
    def gone(self) -> bool:
        """See history.Asker."""
        return self.over or self._process.gone


class Traffic:
    """What the page has under way in the network, by the numbers that it gave."""

    def __init__(self, client: TypeScriptEnd) -> None:
        self.client = client
        self.network = client.network
        self.form = client.session.codec.form
        self.taken: list[tuple[int, int]] = []
        self._sockets: dict[int, SocketPort] = {}
        self._requests: dict[int, PushPort | EventsPort] = {}

    def do(self, callback: Callable[[], object]) -> None:
        """Do it when the page is awake."""
        self.client.process.do(callback)

    def tell(self, *what: object) -> None:
        """Something happens to the client, when the page is awake."""
        self.do(partial(self.client.happens, *what))

    # -- what the client does

    def opens_socket(self, number: int) -> None:
        """A WebSocket is wanted."""
        self._sockets[number] = SocketPort(self, number)

    def sends(self, number: int, text: str) -> None:
        """A message on it."""
        self._sockets[number].write(self._data(text))

    def hangs_up(self, number: int) -> None:
        """It is closed."""
        self._sockets[number].close()

    def requests(self, number: int, verb: str, kind: str, headers: list[list[str]], body: str) -> None:
        """A request is made. How long the client waits for its answer is the client's affair."""
        if kind != CONTENT_TYPES[self.form]:
            self.client.history.violated(f"a {verb} is said to be {kind}", "crash")
        request = HttpRequest(number, verb, tuple((name, value) for name, value in headers), self._data(body), NEVER)
        self._requests[number] = (EventsPort if verb == "stream" else PushPort)(self, number, request)

    def abandons(self, number: int) -> None:
        """The answer is not wanted any more."""
        self._requests[number].abandon()

    def says_leave(self, text: str) -> None:
        """The last word of a page."""
        self.network.post(HttpRequest(0, "leave", (), text, 10.0), self.form, lambda reply: None)

    def _data(self, text: str) -> Data:
        return text if self.form == "json" else b64decode(text)


class TypeScriptEnd:
    """A page and the client that it has."""

    def __init__(self, setting: Setting, node: NodeProcess) -> None:
        self.time = setting.time
        self.network = setting.network
        self.history = setting.history
        self.process = Process(setting.time)
        self.known: str | None = None
        self.profile = profile = setting.profile
        self.session = _Session(setting, (JsonCodec if profile.form == "json" else MsgpackCodec)(profile.limits))
        self.connector = _Connector()
        self.notes = Notes(self)
        self.wishes: dict[str, str] = {}  # the namespaces that the next client of the page asks for
        self._random = setting.random
        self._node = node
        self.visitor = Visitor(self.process)
        self._traffic = Traffic(self)
        self._loaded = self._made = self._says_goodbye = False
        self._planned = NEVER

    # -- see ClientSide

    @property
    def leaving(self) -> bool:
        """Whether a goodbye is being said."""
        return self._says_goodbye and self.connector.stopped is None

    @property
    def begun(self) -> bool:
        """Whether the page has a client that is not over."""
        return self._made and self.connector.stopped is None

    def wanted(self) -> list[str]:
        """The namespaces that were asked for and did not refuse."""
        return list(self.wishes)

    def begin(self) -> None:
        """Make a client, unless the page has one that is not over."""
        if self.begun:
            return
        profile = self.profile
        if not self._loaded:
            self._loaded = True
            seed = self._random.getrandbits(32)
            wishes = self.wishes
            self.happens("open", {"form": profile.form, "highWater": profile.high_water, "seed": seed})
            self.wishes = wishes
        self._made = True
        self._says_goodbye = False
        self.visitor.over = True
        self.visitor = Visitor(self.process)
        settings = {
            "key": self.session.renew_key(),
            "auth": OWNER,
            "kinds": profile.transports,
            "outbox": {"packets": profile.client_outbox.packets, "size": profile.client_outbox.size},
        }
        self.happens("begin", settings, list(self.wishes.items()))

    def say_goodbye(self) -> None:
        """Close the client."""
        if not self.leaving:
            self._says_goodbye = True
            self.happens("close")

    def offline(self) -> None:
        """The machine says that it has no network."""
        self.happens("moment", "offline")

    def online(self) -> None:
        """The machine says that it has one again."""
        self.happens("moment", "online")

    def hide(self) -> bool:
        """The page goes away, perhaps for good."""
        self.happens("moment", "pagehide")
        return True

    def vanish(self) -> None:
        """The page is gone."""
        self.process.gone = True

    def judge_calls(self) -> None:
        """The page looks itself, and notes what goes on although nobody waits for it."""

    # -- to and fro

    def happens(self, *what: object) -> None:
        """Something happens to the page; all that follows at once is written down."""
        history, traffic = self.history, self._traffic
        taken, traffic.taken = traffic.taken, []
        answer = self._node.ask(self.time.now, history.last_serial, taken, *what)
        history.last_serial = answer.serial
        for name, *how in answer.notes:
            self.notes.take(traffic, name, how)
        self._show(answer)
        self._plan(NEVER if answer.due is None else answer.due)

    def _show(self, answer: Answer) -> None:
        state = answer.state
        self.session.show(state)
        self.connector.show(state)
        if self.known is not None and self.connector.stopped is not None:
            # Of its own goodbye a client tells no loss, if nothing was lost.
            self.history.losses.setdefault(self.known, self.connector.stopped.code)
        self.known = state.sid or self.known
        self.wishes = {name: self.wishes[name] for name in state.wanted}

    def _plan(self, due: float) -> None:
        if due != self._planned:
            self._planned = due
            if due < NEVER:
                self.time.at(due, partial(self.process.do, partial(self._wake, due)))

    def _wake(self, due: float) -> None:
        if due == self._planned:
            self._planned = NEVER
            self.happens("tick")
