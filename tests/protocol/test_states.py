"""The table of a session's states: what the machine has is what the reader is shown."""

from __future__ import annotations

import pytest

from antiphon.protocol import session
from antiphon.protocol.states import TRANSITIONS, Act, State


def drawn() -> dict[tuple[State, Act], State]:
    """The table at the top of session.py, read."""
    lines = [line.split() for line in (session.__doc__ or "").splitlines() if line.startswith("    ")]
    acts = [Act[word.upper()] for word in lines[0][1:]]
    return {
        (State[words[0]], act): State[word]
        for words in lines[1:]
        for act, word in zip(acts, words[1:], strict=False)
        if word != "-"
    }


def test_the_table_that_is_drawn_is_the_table_that_holds() -> None:
    assert drawn() == TRANSITIONS


@pytest.mark.parametrize("state", State)
def test_every_state_can_end(state: State) -> None:
    assert TRANSITIONS[state, Act.END] is State.ENDED


def test_an_ended_session_can_only_begin_anew() -> None:
    onward = {act: state for (before, act), state in TRANSITIONS.items() if before is State.ENDED}

    assert onward.pop(Act.RENEW) is State.FRESH
    assert set(onward.values()) == {State.ENDED}
    assert Act.ATTACH not in onward
