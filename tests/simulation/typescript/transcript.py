"""Everything that is said between a schedule and the Node process, as one digest."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from antiphon.testing.simulation.runner import play
from tests.simulation.typescript.node import Answer, NodeProcess
from tests.simulation.typescript.pages import TypeScriptPages

__all__ = ["transcript"]


class _Listening(NodeProcess):
    """Writes down what is said from `begin_anew` on."""

    def begin_anew(self) -> None:
        self.digest = sha256()

    def ask(self, now: float, serial: int, taken: list[tuple[int, int]], *what: object) -> Answer:
        """See NodeProcess.ask."""
        answer = super().ask(now, serial, taken, *what)
        self.digest.update(repr((now, serial, taken, what, answer)).encode())
        return answer


class _Pages(TypeScriptPages):
    def __init__(self, node: NodeProcess) -> None:
        self._listening = node

    @property
    def node(self) -> NodeProcess:
        """See TypeScriptPages.node."""
        return self._listening


def transcript(directory: str, seed: str, *before: str) -> str:
    """The digest of the schedule of one seed, played after those of others in the same process."""
    node = _Listening(Path(directory))
    for each in (*before, seed):
        node.begin_anew()
        play(int(each), open_page=_Pages(node))
    node.close()
    return node.digest.hexdigest()
