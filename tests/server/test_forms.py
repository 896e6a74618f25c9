"""Which forms the living sessions speak."""

from __future__ import annotations

from antiphon.config import Limits
from antiphon.dialects.native.forms import JsonCodec, MsgpackCodec
from antiphon.server.forms import Forms


def test_each_form_is_there_once() -> None:
    forms, first = Forms(), MsgpackCodec(Limits())
    forms.enter(first)
    forms.enter(MsgpackCodec(Limits()))
    forms.enter(JsonCodec(Limits()))

    assert [codec.form for codec in forms] == ["msgpack", "json"]
    assert next(iter(forms)) is first


def test_a_form_is_gone_with_the_last_who_speaks_it() -> None:
    forms, one, other = Forms(), MsgpackCodec(Limits()), MsgpackCodec(Limits())
    forms.enter(one)
    forms.enter(other)

    forms.leave(one)
    assert len(list(forms)) == 1
    forms.leave(other)

    assert list(forms) == []
