"""Everything that this process logs as a warning or worse: under chaos nobody has a reason to complain."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Self

__all__ = ["Complaints"]


class Complaints(logging.Handler):
    """Listens to all loggers while its context lasts; asyncio logs there what became of forgotten tasks."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """See logging.Handler.emit."""
        self.heard.append(self.format(record))

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        logging.getLogger().removeHandler(self)
