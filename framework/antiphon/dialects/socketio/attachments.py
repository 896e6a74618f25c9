"""Bytes beside JSON: each is taken out of an event and leaves a placeholder with its number, and is put back there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antiphon.errors import PayloadError, RemoteProtocolError

__all__ = ["MOST", "check_placeholders", "detach", "restore"]

# Clients of today end their connection for more than so many.
MOST = 10
PLACEHOLDER, NUMBER = "_placeholder", "num"


def detach(value: list[Any]) -> tuple[list[Any], list[bytes]]:
    """`value` with placeholders for its bytes, and the bytes. What holds none is returned as it is, not copied.

    Raises PayloadError for too many of them, and for a map that the peer would take for a placeholder.
    """
    if not _holds_bytes(value):
        return value, []
    attachments: list[bytes] = []
    copy = _detached(value, attachments)
    if len(attachments) > MOST:
        raise PayloadError(
            f"{len(attachments)} values of bytes are in one packet, and Socket.IO clients take {MOST}; join some of "
            f"them, or send several events",
            parameter="args",
            expected=f"at most {MOST} values of bytes",
        )
    return copy, attachments


def _holds_bytes(value: Any) -> bool:
    """Most values hold none: the walk without a copy."""
    waiting = [value]
    for box in waiting:
        for item in box.values() if type(box) is dict else box:
            kind = type(item)
            if kind is bytes:
                return True
            if kind is dict or kind is list or kind is tuple:
                waiting.append(item)
    return False


def _detached(value: Any, attachments: list[bytes]) -> Any:
    kind = type(value)
    if kind is bytes:
        attachments.append(value)
        return {PLACEHOLDER: True, NUMBER: len(attachments) - 1}
    if kind is list or kind is tuple:
        return [_detached(item, attachments) for item in value]
    if kind is dict:
        # Without attachments beside it, it is a map like any other: nobody looks for placeholders then.
        if PLACEHOLDER in value:
            raise PayloadError(
                f"a map with the key {PLACEHOLDER!r} beside bytes would be taken for an attachment by Socket.IO "
                f"clients; rename the key, or send the bytes in another event",
                parameter="args",
                expected=f"no key {PLACEHOLDER!r}",
            )
        return {key: _detached(item, attachments) for key, item in value.items()}
    return value


def check_placeholders(value: Any, attachments: int) -> None:
    """Raise RemoteProtocolError for a placeholder of no attachment. `value` does not nest deeper than it may."""
    if type(value) is list:
        for item in value:
            check_placeholders(item, attachments)
    elif type(value) is dict:
        if value.get(PLACEHOLDER) is not True:
            for item in value.values():
                check_placeholders(item, attachments)
            return
        number = value.get(NUMBER)
        if type(number) is not int or not 0 <= number < attachments:
            raise RemoteProtocolError("protocol", f"a placeholder has the number of one of {attachments} attachments")


def restore(value: Any, attachments: Sequence[bytes]) -> Any:
    """`value` with the bytes in their places. Its placeholders were checked."""
    if type(value) is list:
        return [restore(item, attachments) for item in value]
    if type(value) is dict:
        if value.get(PLACEHOLDER) is True:
            return attachments[value[NUMBER]]
        return {key: restore(item, attachments) for key, item in value.items()}
    return value
