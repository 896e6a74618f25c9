"""Which sessions there are, and who may attach to them."""

from __future__ import annotations

from itertools import count

import pytest

from antiphon import Resume
from antiphon.protocol.codec import Codec
from antiphon.protocol.packets import Event, Hello, Refuse, Welcome
from antiphon.protocol.server_session import ServerSession, Settings
from antiphon.server import registry as registries
from antiphon.server.line import Line
from antiphon.server.registry import Registry
from tests.server.peer import JSON, MSGPACK

SETTINGS = Settings(epoch="today", resume=Resume(window=120))


class Buried(Line):
    """A line without handlers, that is buried when its session is over."""

    yard: Registry

    def _hand_over(self) -> None:
        while self.session.deliver() is not None:
            pass

    def _clean_up(self) -> None:
        self.yard.bury(self, 0.0)


@pytest.fixture
def registry() -> Registry:
    sids = count(1)

    def open_line(sid: str, proof: bytes, codec: Codec, now: float) -> Line:
        session = ServerSession(sid, proof, codec, SETTINGS, now, wake=lambda: None)
        line = Buried(session, lambda: 0.0, lambda: None)
        line.yard = made
        return line

    made = Registry(SETTINGS, new_sid=lambda: f"sid-{next(sids)}", open_line=open_line)
    return made


def hello(key: str = "ann", attempt: int = 1, **fields: object) -> Hello:
    return Hello(key=key.ljust(43, "x"), attempt=attempt, **fields)  # type: ignore[arg-type]  # each test names its own


def welcomed(registry: Registry, hello: Hello) -> Welcome:
    answer = registry.attach(hello, MSGPACK, 0.0).answer
    assert isinstance(answer, Welcome)
    return answer


def test_a_session_is_found_by_its_sid_and_the_right_key(registry: Registry) -> None:
    sid = welcomed(registry, hello()).sid

    assert registry.find(sid, "ann".ljust(43, "x")) is not None
    assert registry.find(sid, "eve".ljust(43, "x")) is None
    assert registry.find("sid-7", "ann".ljust(43, "x")) is None
    assert sid in registry and "sid-7" not in registry


def test_the_right_key_resumes(registry: Registry) -> None:
    sid = welcomed(registry, hello()).sid

    again = welcomed(registry, hello(attempt=2, sid=sid))

    assert (again.sid, again.resumed, len(registry)) == (sid, True, 1)


def test_a_wrong_key_gets_what_an_unknown_sid_gets(registry: Registry) -> None:
    sid = welcomed(registry, hello()).sid

    wrong = welcomed(registry, hello("eve", sid=sid, epoch="today"))
    unknown = welcomed(registry, hello("bob", sid="nobody's", epoch="today"))

    assert wrong.sid != sid
    assert (wrong.resumed, wrong.reason, wrong.received) == (unknown.resumed, unknown.reason, unknown.received)
    assert wrong.reason == "unknown"


def test_a_sid_that_a_client_proposes_is_not_taken(registry: Registry) -> None:
    assert welcomed(registry, hello(sid="mine")).sid == "sid-1"


def test_a_session_of_another_start_is_told_from_an_unknown_one(registry: Registry) -> None:
    assert welcomed(registry, hello(sid="old", epoch="yesterday")).reason == "server_restart"


def test_an_older_attempt_is_told_the_newest_one(registry: Registry) -> None:
    sid = welcomed(registry, hello(attempt=5)).sid

    admission = registry.attach(hello(attempt=5, sid=sid), MSGPACK, 0.0)

    assert isinstance(admission.answer, Refuse)
    assert (admission.answer.code, admission.answer.attempt, admission.line) == ("stale", 5, None)


def test_another_version_and_another_form_are_refused_and_disturb_nothing(registry: Registry) -> None:
    sid = welcomed(registry, hello()).sid

    version = registry.attach(hello("bob", version=2), MSGPACK, 0.0).answer
    form = registry.attach(hello(attempt=2, sid=sid), JSON, 0.0).answer

    assert isinstance(version, Refuse) and version.code == "version"
    assert isinstance(form, Refuse) and form.code == "form"
    assert len(registry) == 1
    assert welcomed(registry, hello(attempt=3, sid=sid)).resumed


def test_a_hello_whose_answer_was_lost_makes_no_second_session(registry: Registry) -> None:
    first = welcomed(registry, hello())

    again = registry.attach(hello(attempt=2), MSGPACK, 0.0)

    assert isinstance(again.answer, Welcome) and again.answer.sid == first.sid
    assert (again.answer.resumed, again.fresh, len(registry)) == (False, True, 1)


def test_a_hello_without_sid_after_something_was_counted_ends_the_old_session(registry: Registry) -> None:
    first = registry.attach(hello(), MSGPACK, 0.0)
    assert first.line is not None
    event = MSGPACK.pack(1, 1, [MSGPACK.encode(Event("/", "e", []))])
    first.line.session.receive(event, 0.0)

    again = welcomed(registry, hello(attempt=2))

    assert again.sid != first.line.session.sid
    assert first.line.session.ending is not None
    assert len(registry) == 1


def test_more_received_than_was_ever_sent_is_a_mismatch_and_a_new_session(registry: Registry) -> None:
    sid = welcomed(registry, hello()).sid

    answer = welcomed(registry, hello(attempt=2, sid=sid, received=99))

    assert (answer.resumed, answer.reason, len(registry)) == (False, "mismatch", 1)


def test_what_became_of_a_session_is_told_to_the_holder_of_its_key_only(registry: Registry) -> None:
    first = registry.attach(hello(), MSGPACK, 0.0)
    assert first.line is not None
    sid = first.line.session.sid
    first.line.session.receive(MSGPACK.pack(1, 1, [MSGPACK.encode(Event("/", "e", []))]), 0.0)
    first.line.session.end("overflow")
    first.line.finish()

    stranger = welcomed(registry, hello("eve", sid=sid))
    owner = welcomed(registry, hello(attempt=2, sid=sid))

    assert (stranger.reason, stranger.received) == ("unknown", 0)
    assert (owner.reason, owner.received, owner.resumed) == ("overflow", 1, False)


def test_a_tombstone_stands_for_the_window(registry: Registry) -> None:
    first = registry.attach(hello(), MSGPACK, 0.0)
    assert first.line is not None
    first.line.session.end("overflow")
    first.line.finish()

    registry.forget(119.0)
    registry.forget(121.0)

    assert welcomed(registry, hello(attempt=2, sid="sid-1")).reason == "unknown"


def test_there_are_never_more_tombstones_than_the_bound(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registries, "TOMBSTONES", 20)
    for number in range(25):
        line = registry.attach(hello(str(number)), MSGPACK, 0.0).line
        assert line is not None
        line.session.end("expired")
        line.finish()

    assert welcomed(registry, hello("4", attempt=2, sid="sid-5")).reason == "unknown"
    assert welcomed(registry, hello("5", attempt=2, sid="sid-6")).reason == "expired"
    assert len(registry) == 2


def test_a_session_keeps_no_key(registry: Registry) -> None:
    line = registry.attach(hello("sesame"), MSGPACK, 0.0).line
    assert line is not None

    kept = repr([getattr(line.session, name) for name in vars(line.session)])

    assert "sesame" not in kept


@pytest.mark.parametrize("code", ["closed", "revoked"])
def test_who_was_sent_away_is_told_so_when_it_comes_back(registry: Registry, code: str) -> None:
    line = registry.attach(hello(), MSGPACK, 0.0).line
    assert line is not None
    line.session.end(code, "be nice")
    line.finish()

    admission = registry.attach(hello(attempt=2, sid="sid-1"), MSGPACK, 1.0)
    stranger = registry.attach(hello("eve", sid="sid-1"), MSGPACK, 1.0)
    anew = registry.attach(hello(attempt=3), MSGPACK, 1.0)

    assert admission == (Refuse(code, "be nice"), None, False)
    assert isinstance(stranger.answer, Welcome) and stranger.answer.reason == "unknown"
    assert isinstance(anew.answer, Welcome) and anew.answer.reason is None


def test_a_goodbye_that_is_not_over_keeps_its_word_when_the_client_comes_on_another_transport(
    registry: Registry,
) -> None:
    line = registry.attach(hello(), MSGPACK, 0.0).line
    assert line is not None
    line.session.close(1.0, "draining", "come back", 5.0)

    answer = welcomed(registry, hello(attempt=2, sid="sid-1"))

    assert (answer.resumed, answer.reason) == (False, "draining")
