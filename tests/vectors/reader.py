"""Reads the vectors as README.md says, without the product's help."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Refusal", "Vector", "accepted", "joined", "packets", "plain", "refused"]

FOLDER = Path(__file__).parent


class Named(NamedTuple):
    """A packet by the name of its kind, with all its fields."""

    kind: str
    fields: dict[str, Any]


class Vector(NamedTuple):
    """One message, what it says, and how it is spelled: by form, bytes for msgpack and text for JSON."""

    name: str
    number: int
    counted: int
    packets: list[Named]
    spellings: dict[str, bytes | str]


class Refusal(NamedTuple):
    """One message that nobody may send, and the error it is refused with."""

    name: str
    form: str
    message: bytes | str
    error: str


def packets() -> list[Vector]:
    """Messages that are read and written."""
    entries = _load("packets")
    return [_vector(entry, {form: _data(form, entry[form]) for form in ("msgpack", "json")}) for entry in entries]


def accepted() -> list[Vector]:
    """Messages that are read and never written."""
    return [_vector(entry, {entry["form"]: _data(entry["form"], entry["data"])}) for entry in _load("accepted")]


def refused() -> list[Refusal]:
    """Messages that nobody may send."""
    return [
        Refusal(entry["name"], entry["form"], _data(entry["form"], entry["data"]), entry["error"])
        for entry in _load("refused")
    ]


def joined(text: str | list[Any]) -> str:
    """A text that may be in pieces: `[piece, times]` stands for a run."""
    if isinstance(text, str):
        return text
    return "".join(piece if isinstance(piece, str) else piece[0] * piece[1] for piece in text)


def plain(noted: Any) -> Any:
    """The value that a note in a vector stands for."""
    match noted:
        case {"$bytes": text}:
            return b64decode(joined(text), validate=True)
        case {"$text": text}:
            return joined(text)
        case {"$list": [item, times]}:
            return [plain(item)] * times
        case dict():
            return {key.removeprefix("$"): plain(item) for key, item in noted.items()}
        case list():
            return [plain(item) for item in noted]
        case _:
            return noted


def _load(name: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return entries


def _data(form: str, text: str | list[Any]) -> bytes | str:
    return joined(text) if form == "json" else bytes.fromhex(joined(text))


def _vector(entry: dict[str, Any], spellings: dict[str, bytes | str]) -> Vector:
    named = [
        Named(packet["kind"], {name: plain(item) for name, item in packet["fields"].items()})
        for packet in entry["packets"]
    ]
    return Vector(entry["name"], entry["number"], entry["counted"], named, spellings)
