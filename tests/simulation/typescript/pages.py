"""Pages with clients in TypeScript: whoever plays schedules is given a way to open them."""

from __future__ import annotations

from pathlib import Path

from antiphon.testing.simulation.page import Page, Setting
from tests.simulation.typescript.end import TypeScriptEnd
from tests.simulation.typescript.node import NodeProcess
from tests.simulation.typescript.talk import TypeScriptTalk

__all__ = ["TypeScriptPages"]

# One for each process of ours and each build of the client: it hosts any number of pages, one after another.
_nodes: dict[Path, NodeProcess] = {}


class TypeScriptPages:
    """Opens pages with the client that was compiled into `directory`. It can be pickled, since that is all it holds."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def node(self) -> NodeProcess:
        """The process that hosts them, started when it is first wanted."""
        node = _nodes.get(self._directory)
        if node is None or node.over:
            node = _nodes[self._directory] = NodeProcess(self._directory)
        return node

    def __call__(self, setting: Setting) -> Page:
        """A page."""
        client = TypeScriptEnd(setting, self.node)
        return Page(client, TypeScriptTalk(client))

    def close(self) -> None:
        """End the process of this one, if there is one."""
        node = _nodes.pop(self._directory, None)
        if node is not None:
            node.close()
