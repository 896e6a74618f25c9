"""The handlers of one session that run for calls: whether they begin and end as their callers want."""

from __future__ import annotations

from collections.abc import Callable

from antiphon.protocol.answering import Answering
from antiphon.testing.simulation.history import History
from antiphon.testing.simulation.process import Process

__all__ = ["RecordedAnswering"]

# A server looks at its clock every quarter of a second.
SLACK = 0.6


class RecordedAnswering(Answering):
    """The product's; `judge` sees a handler that goes on although nobody waits for it."""

    def __init__(self, history: History, process: Process) -> None:
        super().__init__()
        self._history = history
        self._process = process
        self._called_off: set[int] = set()  # a Cancel came before a handler began
        self._stopping: set[int] = set()
        self._deadlines: dict[int, float] = {}

    def begin(self, call: int, deadline: float, cancel: Callable[[], object]) -> bool:
        """See Answering.begin."""
        begun = super().begin(call, deadline, cancel)
        if begun:
            self._deadlines[call] = deadline - self._process.stalled
            if call in self._called_off:
                self._history.violated(f"the handler of call {call} was started although it was cancelled", "I14")
        return begun

    def finish(self, call: int) -> None:
        """See Answering.finish."""
        super().finish(call)
        for known in (self._called_off, self._stopping):
            known.discard(call)
        self._deadlines.pop(call, None)

    def cancel(self, call: int, *, waits: bool) -> None:
        """See Answering.cancel."""
        if call in self._deadlines:
            self._stopping.add(call)
        elif waits:
            self._called_off.add(call)
        super().cancel(call, waits=waits)

    def forget(self) -> None:
        """See Answering.forget."""
        super().forget()
        for known in (self._called_off, self._stopping, self._deadlines):
            known.clear()

    def judge(self, now: float) -> None:
        """Nothing is under way in this instant any more."""
        if not self._deadlines or self._process.frozen or self._process.gone:
            return
        if self._stopping:
            self._history.violated(f"the handlers of calls {self._stopping} go on although they were cancelled", "I14")
        # Each stall of the process may have moved a deadline by as much.
        late = now - SLACK - self._process.stalled
        over = [call for call, deadline in self._deadlines.items() if deadline < late]
        if over:
            self._history.violated(f"the handlers of calls {over} run for longer than their callers wait", "I14")
