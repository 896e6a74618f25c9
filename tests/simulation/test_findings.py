"""What the simulation found where both ends are needed to tell it, each as the shortest story that shows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from antiphon.testing.simulation import standing_invariants
from antiphon.testing.simulation.conversation import Shape
from antiphon.testing.simulation.page import OpenPage
from antiphon.testing.simulation.steps import Play


@pytest.fixture
def stage(open_page: OpenPage) -> Iterator[Play]:
    """A client that is attached and in "/a", and a network that does nothing to it."""
    stage = Play(1, open_page)
    stage.network.calm()
    stage.run(3.0)
    assert stage.line is not None and "/a" in stage.line.sockets
    yield stage
    stage.discard()


def lose_the_session(stage: Play) -> None:
    line = stage.line
    assert line is not None
    line.log.abused = True  # so that it may end
    with stage.server.process.running():
        line.session.end("protocol", "for the test", retry_after=0.0)
        stage.server.flusher.soon()
        line.finish()


def test_who_is_in_again_while_a_handler_was_at_work_was_out_before(stage: Play) -> None:
    """The disconnect handler ran behind the connect handler of the next session."""
    line = stage.line
    assert line is not None
    stage.server_app.emit(line, line.sockets["/a"], 0, 8000, False, 0)
    stage.run(0.5)

    lose_the_session(stage)
    stage.run(20.0)

    assert stage.line is not None and stage.line is not line
    assert stage.history.violations == []
    assert stage.app.inside == {"/a": True}


def test_an_answer_goes_to_the_session_that_asked_and_to_no_other(stage: Play) -> None:
    """A server that was restarted gives the same ids to other calls."""
    line = stage.line
    assert line is not None
    stage.server_app.call(line.sockets["/a"], 8000, 30.0)
    stage.run(0.5)
    stage.restart_server(tell_client=True)
    stage.run(4.0)
    again = stage.line
    assert again is not None and again is not line

    for socket in again.sockets.values():
        stage.server_app.call(socket, 100, 30.0)
    stage.run(20.0)

    standing_invariants.i14_one_outcome_per_call(stage.history)
    assert [sent.outcomes for sent in stage.history.calls] == [[], [stage.history.calls[-1].serial]]
    assert stage.history.violations == []


def test_a_stream_goes_on_where_it_was_after_a_cut(stage: Play) -> None:
    quick = Shape("ticks", items=60, pace=0.05, pad=10, fails=-1, slow=0.0, leaves=0, timeout=None, gives_up=None)
    stage.app.stream("/a", quick)
    stage.run(1.0)

    stage.network.cut(0, tell_client=True, tell_server=True)
    stage.run(20.0)

    (flow,) = stage.history.flows.values()
    assert (flow.sent, flow.taken) == (60, 60)
    assert flow.source is not None and flow.source.how == "done"
    assert stage.history.violations == []


def test_a_slow_reader_of_a_lost_session_is_told_and_its_source_stops(stage: Play) -> None:
    slow = Shape("ticks", items=100, pace=0.0, pad=10, fails=-1, slow=0.2, leaves=0, timeout=None, gives_up=None)
    stage.app.stream("/a", slow)
    stage.run(1.0)

    lose_the_session(stage)
    stage.run(20.0)

    (flow,) = stage.history.flows.values()
    assert flow.source is not None and flow.source.how == "stopped"
    assert flow.reader is not None and flow.reader.how == "lost"
    assert stage.history.violations == []
