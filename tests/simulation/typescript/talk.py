"""The application of a TypeScript page, as the steps of a schedule tell it what to do."""

from __future__ import annotations

from antiphon.testing.simulation.conversation import Shape
from antiphon.testing.simulation.history import Sent
from tests.simulation.typescript.end import TypeScriptEnd

__all__ = ["TypeScriptTalk"]


class TypeScriptTalk:
    """What runs in the page: application.mjs."""

    def __init__(self, client: TypeScriptEnd) -> None:
        self._client = client
        self._history = client.history
        self.inside = client.notes.inside

    @property
    def latest(self) -> list[Sent]:
        """The latest values that may still wait."""
        return self._client.notes.latest

    @latest.setter
    def latest(self, waiting: list[Sent]) -> None:
        self._client.notes.latest = waiting

    def wanted(self, which: int) -> str | None:
        """One of the namespaces that were asked for and did not refuse."""
        names = self._client.wanted()
        return names[which % len(names)] if names else None

    def join(self, name: str, auth: str) -> None:
        """Ask for a namespace."""
        self._client.wishes[name] = auth
        if self._client.begun:
            self._client.happens("app", "join", name, auth)

    def leave(self, name: str) -> None:
        """Leave a namespace."""
        if self._client.begun:
            self._client.happens("app", "leave", name)

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
        """An event to the server; None when it was refused there."""
        serial = self._history.serial()
        self._client.happens("app", "emit", name, serial, delay, ask, pad, repeatable, deadline, key)
        return self._history.up.get(serial)

    def emit_volatile(self, name: str) -> None:
        """An event that may be dropped."""
        serial = self._history.serial()
        self._history.volatile_up[serial] = (self._client.time.now, self._client.session.detaches)
        self._client.happens("app", "emitVolatile", name, serial)

    def call(
        self, name: str, delay: int, timeout: float, *, repeatable: bool = False, gives_up: float | None = None
    ) -> None:
        """A call to the server."""
        self._client.happens("app", "call", name, self._history.serial(), delay, timeout, repeatable, gives_up)

    def stream(self, name: str, shape: Shape) -> None:
        """A call with streams to the server."""
        serial = self._history.serial()
        self._history.askers[serial] = self._client.visitor
        self._client.happens("app", "stream", name, serial, shape)
