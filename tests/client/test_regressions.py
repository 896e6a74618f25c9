"""What the simulation found in the connector, each as the shortest story that shows it."""

from __future__ import annotations

from tests.client.stage import Stage


def test_a_goodbye_cut_off_while_another_transport_was_greeted_ends_there() -> None:
    """Its Welcome found a session that had ended."""
    stage = Stage()
    poll = stage.fall_back()
    stage.connector.tick(1.0)
    upgrade = stage.opened(1.0)
    stage.session.close(1.0)
    stage.connector.flush(1.0)

    stage.lost(1.1, transport=poll)

    assert stage.connector.stopped is not None
    assert stage.connector.stopped.code == "closed"
    assert upgrade.closed
