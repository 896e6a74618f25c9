"""The steps in which one application asks the other something: calls, calls with streams, and callers that give up."""

from __future__ import annotations

from antiphon.server.socket import Socket
from antiphon.testing.simulation.conversation import shape
from antiphon.testing.simulation.server_connection import SimulatedConnection
from antiphon.testing.simulation.stage import Stage

__all__ = ["AskingSteps"]

# In milliseconds. Whoever is asked for the last one is still at it when its caller has given up.
DELAYS = (0, 0, 0, 200, 200, 2500, 2500, 20_000)
TIMEOUTS = (0.2, 2.0, 30.0)
GIVES_UP = (None, None, None, None, None, 0.0, 0.05, 0.8)


class AskingSteps(Stage):
    """See Play."""

    def someone(self, which: int) -> tuple[SimulatedConnection, Socket] | None:
        """One of the sockets of the client that are in, with its connection, while the server is awake."""
        line = self.line
        if line is None or self.server.process.frozen:
            return None
        socket = self.server_app.socket(line, which)
        return None if socket is None else (line, socket)

    def somewhere(self, which: int) -> str | None:
        """One of the namespaces that the client asked for, while it is awake."""
        return None if self.client.process.frozen else self.app.wanted(which)

    def _client_calls(self, a: int, b: int, c: int) -> None:
        if (name := self.somewhere(a)) is not None:
            repeatable = c % 4 == 1
            self.app.call(name, DELAYS[b % 8], TIMEOUTS[c % 3], repeatable=repeatable, gives_up=GIVES_UP[b // 8 % 8])

    def _client_streams(self, a: int, b: int, c: int) -> None:
        if (name := self.somewhere(a)) is not None:
            self.app.stream(name, shape(a, b, c))

    def _server_calls(self, a: int, b: int, c: int) -> None:
        if (found := self.someone(a)) is not None:
            self.server_app.call(found[1], DELAYS[b % 8], TIMEOUTS[c % 3], GIVES_UP[b // 8 % 8])

    def _server_streams(self, a: int, b: int, c: int) -> None:
        if (found := self.someone(a)) is not None:
            self.server_app.stream(found[1], shape(a, b, c))
