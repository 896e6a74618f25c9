"""The stage of one schedule: both ends, the network between them, and what has to hold at every moment."""

from __future__ import annotations

from random import Random

from antiphon.testing.simulation import invariants, standing_invariants
from antiphon.testing.simulation.applications import ServerApplication, open_page
from antiphon.testing.simulation.history import History
from antiphon.testing.simulation.network import Network
from antiphon.testing.simulation.page import OpenPage, Setting
from antiphon.testing.simulation.people import People
from antiphon.testing.simulation.process import Process
from antiphon.testing.simulation.profile import draw
from antiphon.testing.simulation.server_connection import SimulatedConnection
from antiphon.testing.simulation.server_end import ServerEnd
from antiphon.testing.simulation.virtual_time import VirtualTime

__all__ = ["Stage"]


class Stage:
    """Everything there is in one schedule."""

    def __init__(self, seed: int, open_page: OpenPage = open_page) -> None:
        """`open_page` makes the client."""
        self.random = random = Random(~seed)
        self.time = VirtualTime()
        self.history = History()
        self.network = Network(self.time, random)
        self.profile = draw(random)
        self.people = People(seed)
        self.processes: list[Process] = []  # all there ever were
        self._open_page = open_page
        self._ids = 0
        self._offline = False
        self._judged = (0, self.time.now, 0)
        self._judgements = 0
        self.start_server()
        self.start_client()
        self.app.join("/a", "yes")
        if random.random() < 0.5:
            self.network.weather.websocket = "refused"
        self.client.begin()

    # -- who is there

    def new_id(self, kind: str) -> str:
        """An id of its own."""
        self._ids += 1
        return f"{kind}{self._ids}"

    def start_server(self) -> None:
        """A process of the server starts."""
        self.server = ServerEnd(
            self.time,
            self.history,
            self.profile,
            self.new_id,
            lambda: self.random.random() / 5 - 0.1,
            self.people,
        )
        self.processes.append(self.server.process)
        self.server_app = ServerApplication(self.server, self.random)
        self.network.server = self.server
        self.time.after_turn = self.server.plan

    def start_client(self) -> None:
        """A page is loaded."""
        key = self.new_id("client").ljust(43, "x")
        self.client, self.app = self._open_page(
            Setting(
                time=self.time,
                network=self.network,
                history=self.history,
                profile=self.profile,
                key=key,
                random=self.random,
            )
        )
        self.processes.append(self.client.process)

    @property
    def line(self) -> SimulatedConnection | None:
        """The server's end of the session that the client has."""
        return self.server.line(self.client.session.sid)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.time.run(seconds)

    def judge(self) -> None:
        """Look at what has to hold at every step."""
        history, server, client = self.history, self.server, self.client
        self._judgements += 1
        for process in self.processes:
            if process.loop.errors:
                raise process.loop.errors.pop()
        self._judge_calls()
        standing_invariants.i4_what_was_not_handed_over_is_kept(history, server, client)
        standing_invariants.i5_buffers_are_bounded(history, server, client)
        standing_invariants.i6_one_living_transport(history, server)
        if not self._judgements % 4:  # what is wrong there stays wrong
            standing_invariants.i13_rooms_and_data_stay(history, server)
        for app in (self.app, self.server_app):
            app.latest = standing_invariants.i16_one_unsent_latest_value(history, app.latest)
        requests, at, sent = self._judged
        now = (self.network.requests, self.time.now, history.sent)
        invariants.nobody_is_busy(history, now[0] - requests, now[1] - at, now[2] - sent)
        self._judged = now

    def _judge_calls(self) -> None:
        now = self.time.now
        self.client.judge_calls()
        for line in self.server.registry:
            if isinstance(line, SimulatedConnection):
                line.answering.judge(now)

    def discard(self) -> None:
        """It was judged: end what still runs, so that nothing of it comes up in the next schedule."""
        for process in self.processes:
            process.discard()
