"""Every decoder that a stranger can reach, one row each: what reads it, what mutants it is given, what it may raise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from antiphon.errors import ProtocolError
from antiphon.protocol.codec import Codec
from tests.fuzz import corpus, nasties, socketio
from tests.fuzz.ends import answered_client, heard_server, streamed_client
from tests.fuzz.mutator import Mutator, TokenMutator
from tests.fuzz.readers import (
    JSON,
    MSGPACK,
    list_origins,
    read_answers,
    read_beacon,
    read_bytes_in_json,
    read_codec,
    read_frames,
    read_origins,
    read_request,
    read_stream,
)

__all__ = ["DECODERS", "Decoder"]

# Of so many inputs a whole end of a conversation is given one.
WHOLE = 20


@dataclass(frozen=True, kw_only=True)
class Decoder:
    """One row: `read` tells whether it accepted the input; a refusal is that, or one of the errors in `refuses`.

    `giants` are read as they are, besides the mutants of `seeds`. `whole`: behind the decoder stands a whole end of a
    conversation, which takes ten times as long, so it is given a part of the inputs only.
    """

    name: str
    read: Callable[[bytes], bool]
    seeds: Sequence[bytes]
    snippets: Sequence[bytes]
    giants: Sequence[bytes] = ()
    mutator: type[Mutator] = Mutator
    refuses: tuple[type[Exception], ...] = (ProtocolError,)
    whole: bool = False

    def inputs_of(self, inputs: int) -> int:
        """How many it is given of a run of so many."""
        return max(inputs // WHOLE, 1) if self.whole else inputs


# -- the table

_TEXTS = [*nasties.TEXTS, b"9" * 25, b"fenced:", b"-1", b"1e9", b"9007199254740992", b"data: ", b"\n\n", b"\n"]
_HTTP = [
    *_TEXTS,
    *(b"attach stream poll push leave GET POST content-type upgrade application/json application/msgpack".split()),
    *(b"antiphon-session antiphon-key antiphon-attempt antiphon-request origin websocket".split()),
    b": ",
    b"=",
    b";",
    b"\xdf",
]
_ORIGINS = [
    *nasties.TEXTS,
    b"https",
    b"http",
    b"://",
    b":443",
    b":80",
    b"null",
    b"*",
    b"@",
    b".",
    b"[",
    b"]",
    b"app.example",
]
_STREAM_GIANTS = [
    b"data: " + b"A" * (3 << 20),
    b": " + b"x" * (2 << 20) + b"\n\n",
    b"\n" * (1 << 14),
    b"data:\n\n" * (1 << 12),
    b"event: close\ndata: fenced:" + b"9" * 5000 + b"\n\n",
    b"data: " + b"\xff" * 1000 + b"\n\n",
]


def _of(codec: Codec) -> list[Decoder]:
    """The rows that there are for both forms of the wire."""
    form = codec.form
    json = form == "json"
    mutator = TokenMutator if json else Mutator
    values = nasties.JSON_VALUES if json else nasties.MSGPACK_VALUES
    giants = nasties.JSON_GIANTS if json else nasties.MSGPACK_GIANTS
    seeds = corpus.messages(form)
    said = [*corpus.conversations(codec, corpus.FROM_CLIENT), *seeds]
    return [
        Decoder(
            name=form, read=partial(read_codec, codec), seeds=seeds, snippets=values, giants=giants, mutator=mutator
        ),
        Decoder(
            name=f"event stream, {form}",
            read=partial(read_stream, codec),
            seeds=corpus.streams(codec),
            # What base64 hides is mutated by the other rows; here it is the stream.
            snippets=[*_TEXTS, *values] if json else _TEXTS,
            giants=_STREAM_GIANTS,
            mutator=mutator,
            refuses=(),
        ),
        Decoder(
            name=f"answers, {form}",
            read=partial(read_answers, codec),
            seeds=corpus.answers(codec),
            snippets=[*_TEXTS, *values],
            giants=[b"200 \n" + giant for giant in giants],
            mutator=mutator,
            refuses=(),
        ),
        Decoder(
            name=f"server session, {form}",
            read=partial(heard_server, codec),
            seeds=said,
            snippets=values,
            giants=giants,
            mutator=mutator,
            refuses=(),
            whole=True,
        ),
        Decoder(
            name=f"streamed client, {form}",
            read=partial(streamed_client, codec),
            seeds=corpus.streams(codec),
            snippets=[*_TEXTS, *values] if json else _TEXTS,
            giants=_STREAM_GIANTS,
            mutator=mutator,
            refuses=(),
            whole=True,
        ),
        Decoder(
            name=f"answered client, {form}",
            read=partial(answered_client, codec),
            seeds=corpus.answers(codec),
            snippets=[*_TEXTS, *values],
            giants=[b"200 \n" + giant for giant in giants],
            mutator=mutator,
            refuses=(),
            whole=True,
        ),
    ]


def _of_socketio() -> list[Decoder]:
    """The rows of the wire of Socket.IO clients."""
    texts = [
        *nasties.JSON_VALUES,
        b'{"_placeholder":true,"num":0}',
        b"51-",
        b"/cut,",
        b"/chat,",
        b"4",
        corpus.SEPARATOR,
    ]
    giants = [b'2["e",' + giant + b"]" for giant in nasties.JSON_GIANTS]
    packet, undefined = b"\x83\xa4type\x02\xa3nsp\xa1/\xa4data\x92\xa1e", b"\xd4\x00\x00"
    return [
        Decoder(
            name="socketio, text",
            read=socketio.read_text,
            seeds=socketio.texts(),
            snippets=texts,
            giants=[*giants, b"2/" + b"x" * 900_000, b"2" + b"9" * 900_000, b"0/" + b"a?" * 400_000 + b","],
            mutator=TokenMutator,
        ),
        Decoder(
            name="socketio, msgpack",
            read=socketio.read_msgpack,
            seeds=socketio.msgpack_packets(),
            snippets=[*nasties.MSGPACK_VALUES, undefined, b"\xd7\x00" + b"\xff" * 8, b"\xc7\x08\x00" + bytes(8)],
            giants=[
                packet + giant for giant in [*nasties.MSGPACK_GIANTS, b"\xdd\x00\x01\x00\x00" + undefined * (1 << 16)]
            ],
        ),
        Decoder(
            name="socketio, a client",
            read=socketio.hear_client,
            seeds=socketio.conversations(),
            snippets=texts,
            giants=[b"4" + giant for giant in giants],
            mutator=TokenMutator,
            whole=True,
        ),
        Decoder(
            name="socketio, payloads",
            read=socketio.read_body,
            seeds=socketio.payloads(),
            snippets=[*nasties.TEXTS, b"\x1e", b"b", b"AQ==", b"="],
            giants=[b"\x1e" * (1 << 20), b"b" + b"AAAA" * 200_000, b"4\x1e" * 99 + b"4" + b"x" * 900_000],
        ),
        Decoder(
            name="socketio, queries",
            read=socketio.read_request_query,
            seeds=socketio.queries(),
            snippets=[*nasties.TEXTS, b"EIO=4", b"transport=polling", b"sid=", b"&", b"%ff", b"%C3", b"="],
            giants=[b"a&" * 500_000, b"EIO=4&transport=polling&sid=" + b"x" * 900_000],
            refuses=(),
        ),
    ]


DECODERS: dict[str, Decoder] = {
    decoder.name: decoder
    for decoder in (
        *_of(MSGPACK),
        *_of(JSON),
        *_of_socketio(),
        Decoder(
            name="bytes in JSON",
            read=read_bytes_in_json,
            seeds=[
                *corpus.messages("json"),
                b'{"$bytes":"AQI="}',
                b'{"$$bytes":[{"$bytes":""}]}',
                b'[{"$$":{"$$a":1}}]',
            ],
            snippets=nasties.JSON_VALUES,
            mutator=TokenMutator,
            # The codec gives them its own name: see JsonCodec.decode.
            refuses=(ValueError, RecursionError),
        ),
        Decoder(
            name="frames",
            read=read_frames,
            seeds=corpus.frames(),
            snippets=[*corpus.frames(), *_TEXTS, b"\x88\x82", b"\x80\x80", b"\x00\x80", b"\x81\xfe", b"\x82\xff"],
            giants=[b"\x00\x80abcd" * 20_000, b"\x89\x80abcd" * 20_000, b"\x02\x80abcd" + b"\x00\x80abcd" * 20_000],
            refuses=(),
        ),
        Decoder(
            name="requests",
            read=read_request,
            seeds=corpus.requests(),
            snippets=_HTTP,
            giants=[b"POST push\n" + b"a: b\n" * 100_000, b"POST " + b"x" * 500_000],
            mutator=TokenMutator,
            refuses=(),
        ),
        Decoder(
            name="beacons",
            read=read_beacon,
            seeds=corpus.beacons(),
            snippets=nasties.JSON_VALUES,
            giants=nasties.JSON_GIANTS,
            mutator=TokenMutator,
            refuses=(),
        ),
        Decoder(name="origins", read=read_origins, seeds=corpus.origins(), snippets=_ORIGINS, refuses=()),
        Decoder(
            name="listed origins",
            read=list_origins,
            seeds=corpus.origins(),
            snippets=_ORIGINS,
            refuses=(ValueError,),
        ),
    )
}
