"""What hypothesis makes up: packets come back as they were in both forms, and sessions bear whatever they are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.config import Limits
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.protocol import packets as p
from antiphon.protocol.client_session import ClientSession
from antiphon.protocol.codec import Broken, Codec, is_counted
from antiphon.protocol.packets import MAX_NUMBER, Packet
from antiphon.protocol.server_session import ServerSession
from antiphon.protocol.session import Session
from tests.fuzz.corpus import FROM_CLIENT, FROM_SERVER, KEY, spelled
from tests.fuzz.ends import PROOF, SETTINGS, as_form, check_bounds

CODECS: tuple[Codec, ...] = (MsgpackCodec(Limits()), JsonCodec(Limits()))

texts = st.text(max_size=20)
names = st.sampled_from(["/", "/chat", "say", "__proto__", "$bytes", ""]) | texts
whole = st.integers(0, MAX_NUMBER)
ids = st.integers(1, MAX_NUMBER)
floats = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | st.integers(-MAX_NUMBER, MAX_NUMBER) | floats | texts | st.binary(max_size=20)
keys = texts | st.sampled_from(["$", "$bytes", "$$bytes", "__proto__", "7"])
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))
args = st.lists(values, max_size=4)

BY_KIND: dict[type[Packet], st.SearchStrategy[Packet]] = {
    p.Join: st.builds(p.Join, names, values),
    p.Joined: st.builds(p.Joined, names, texts),
    p.Refused: st.builds(p.Refused, names, texts, values),
    p.Leave: st.builds(p.Leave, names, texts),
    p.Event: st.builds(p.Event, names, names, args, st.booleans()),
    p.Call: st.builds(
        p.Call,
        ids,
        names,
        names,
        args,
        st.none() | whole,
        st.booleans(),
        st.none() | st.lists(ids, max_size=3).map(tuple),
        st.none() | ids,
    ),
    p.Reply: st.builds(p.Reply, ids, values),
    p.Failed: st.builds(p.Failed, ids, texts, texts, values),
    p.Cancel: st.builds(p.Cancel, ids),
    p.Item: st.builds(p.Item, ids, whole, values),
    p.End: st.builds(p.End, ids, whole, values),
    p.Credit: st.builds(p.Credit, ids, whole, whole),
    p.Renew: st.builds(p.Renew, values),
    p.Hello: st.builds(
        p.Hello,
        key=texts,
        attempt=ids,
        version=st.integers(0, 9),
        epoch=st.none() | texts,
        sid=st.none() | texts,
        received=whole,
        auth=values,
        joins=st.lists(st.tuples(names, values), max_size=3).map(tuple),
    ),
    p.Welcome: st.builds(
        p.Welcome,
        epoch=texts,
        sid=texts,
        received=whole,
        next=whole,
        resumed=st.booleans(),
        version=st.integers(0, 9),
        reason=st.none() | texts,
        heartbeat=st.tuples(whole, whole),
        window=whole,
        inbox=st.tuples(whole, whole),
        message=whole,
    ),
    p.Refuse: st.builds(p.Refuse, texts, texts, st.none() | whole, st.none() | whole),
    p.Ack: st.builds(p.Ack, whole, st.none() | whole),
    p.Ping: st.builds(p.Ping, whole | floats),
    p.Pong: st.builds(p.Pong, whole | floats, whole | floats),
    p.Close: st.builds(p.Close, texts, texts, st.none() | whole),
    p.Volatile: st.builds(p.Volatile, names, names, args),
}
PACKETS = st.one_of(*BY_KIND.values())


def exactly(value: Any) -> Any:
    """A value with the types in it, so that 1, 1.0 and true are three, and so are 0.0 and -0.0."""
    match value:
        case list() | tuple():
            return [exactly(item) for item in value]
        case dict():
            return {key: exactly(item) for key, item in value.items()}
        case Packet():
            return type(value), {name: exactly(getattr(value, name)) for name in value.__struct_fields__}
        case _:
            return type(value), repr(value)


def test_every_kind_of_packet_is_made_up() -> None:
    assert set(BY_KIND) == {getattr(p, name) for name in p.__all__ if name[0].isupper() and name.istitle()} - {Packet}


@given(st.lists(PACKETS, max_size=4), st.integers(1, MAX_NUMBER))
def test_what_is_said_is_what_is_read_in_both_forms(packets: list[Packet], number: int) -> None:
    counted = sum(map(is_counted, packets))

    for codec in CODECS:
        message = codec.decode(codec.pack(number, counted, [codec.encode(packet) for packet in packets]))

        assert exactly(message.packets) == exactly(packets)
        assert (message.number, message.counted) == (number, counted)


# -- sessions


@dataclass(frozen=True)
class Cut:
    """A change to the bytes of a message."""

    at: float
    removed: int
    added: bytes

    def made(self, data: bytes) -> bytes:
        at = round(self.at * len(data))
        return data[:at] + self.added + data[at + self.removed :]


cuts = st.lists(st.builds(Cut, st.floats(0, 1), st.integers(0, 4), st.binary(max_size=6)), max_size=2)
steps = st.lists(st.tuples(st.lists(PACKETS, max_size=3) | st.none(), st.integers(-1, 2), cuts, whole), max_size=12)


def _hear(session: Session, said: list[list[Packet]], heard: list[tuple[Any, int, list[Cut], int]]) -> None:
    codec = session.codec
    for round, (packets, off, changes, which) in enumerate(heard):
        now = round * 0.4
        number = max(session.inbox.received + 1 + off, 1)
        data = spelled(codec, number, *(said[which % len(said)] if packets is None else packets))
        for change in changes:
            data = change.made(data)
        closing = session.receive(as_form(codec, data), now)
        while round % 3 and session.deliver() is not None:
            pass
        for message in session.take(now):
            assert not any(isinstance(packet, Broken) for packet in codec.decode(message).packets)
        if now >= session.due:
            session.tick(now)
        check_bounds(session)
        if closing is not None and session.attached:
            session.detach(now)
        if session.ending is None and not session.attached:
            session.attach(session.outbox.acked, now)


# Messages are made of many parts; it is their making that is slow.
thorough = settings(max_examples=300)


@thorough
@given(st.sampled_from(CODECS), steps)
def test_a_server_session_bears_whatever_a_client_says(
    codec: Codec, heard: list[tuple[Any, int, list[Cut], int]]
) -> None:
    session = ServerSession("s1", PROOF, codec, SETTINGS, 0.0, wake=lambda: None)
    session.accept(p.Hello(key=KEY, attempt=1), 0.0)

    _hear(session, FROM_CLIENT, heard)


@thorough
@given(st.sampled_from(CODECS), steps)
def test_a_client_session_bears_whatever_a_server_says(
    codec: Codec, heard: list[tuple[Any, int, list[Cut], int]]
) -> None:
    session = ClientSession(codec, KEY, wake=lambda: None)
    session.join("/")
    session.greet()
    session.welcomed(p.Welcome(epoch="e1", sid="s1", received=0, next=1, resumed=False), 0.0)

    _hear(session, FROM_SERVER, heard)
