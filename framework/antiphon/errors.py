"""Every exception of antiphon, sorted by whose fault it is.

AntiphonError
├── ConnectionClosed(code, reason)      the session ended; .reconnect says whether trying again makes sense
├── ConnectionRefused(namespace, reason, data)  admission said no (handlers say so with Refused)
├── CallError
│   ├── CallTimeout                     nobody answered in time
│   ├── CallFailed(code, message, data) the other side's handler raised; details only if it chose to tell
│   ├── CallAbandoned                   the session ended while waiting: the outcome is unknown
│   └── CallNotSent                     the call never left this side, so it certainly did not run
├── ProtocolError
│   ├── LocalProtocolError              you asked for something the protocol forbids
│   └── RemoteProtocolError(code)       the peer did; the session ends with this code
├── PayloadError(parameter, expected)   a value is not a wire value, or does not fit a handler's signature
└── OutboxFull                          a bound of the outbox would be passed
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AntiphonError",
    "CallAbandoned",
    "CallError",
    "CallFailed",
    "CallNotSent",
    "CallTimeout",
    "ConnectionClosed",
    "ConnectionRefused",
    "LocalProtocolError",
    "OutboxFull",
    "PayloadError",
    "ProtocolError",
    "Refused",
    "RemoteProtocolError",
]


class AntiphonError(Exception):
    """The root: catch this to catch everything that antiphon raises on purpose."""


class ConnectionClosed(AntiphonError):
    """The session ended: `code` is a word of DisconnectCode, `reason` is for humans.

    `reconnect` tells whether trying again makes sense (a deliberate goodbye says no).
    """

    def __init__(self, code: str, reason: str = "", *, reconnect: bool = False) -> None:
        super().__init__(f"{code}: {reason}" if reason else code)
        self.code = code
        self.reason = reason
        self.reconnect = reconnect


class ConnectionRefused(AntiphonError):
    """The server turned this client away from `namespace`; `data` is what it chose to tell."""

    def __init__(self, namespace: str, reason: str, data: Any = None) -> None:
        super().__init__(f"namespace {namespace!r} refused the connection: {reason}")
        self.namespace = namespace
        self.reason = reason
        self.data = data


class Refused(AntiphonError):
    """Raise it to refuse; `reason` and `data` are readable in the browser.

    In an `on_connect` handler it turns the client away; in a handler or middleware it fails a call with code `refused`.
    """

    def __init__(self, reason: str, data: Any = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.data = data


class CallError(AntiphonError):
    """A call had another outcome than a value."""


class CallTimeout(CallError):
    """Nobody answered in time. The handler may still run, or may have run."""


class CallFailed(CallError):
    """The other side's handler raised.

    Raise it in your own handler to tell the caller `code`, `message` and `data`;
    any other exception reaches the caller as code `error` with an id to look up in the log.
    """

    def __init__(self, code: str, message: str = "", data: Any = None) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.code = code
        self.message = message
        self.data = data


class CallAbandoned(CallError):
    """The session ended while the call was under way, so its outcome is unknown."""


class CallNotSent(CallError):
    """The call never left this side (its time passed, or its queue was cleared): it certainly did not run."""


class ProtocolError(AntiphonError):
    """Somebody broke the protocol."""


class LocalProtocolError(ProtocolError):
    """You asked for something that the protocol forbids; nothing was sent."""


class RemoteProtocolError(ProtocolError):
    """The peer broke the protocol: `code` is the reason its session ends with, or its request is refused with."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class PayloadError(AntiphonError):
    """A value cannot travel, or does not fit: `parameter` names the place, `expected` says what would fit."""

    def __init__(self, message: str, *, parameter: str = "", expected: str = "") -> None:
        super().__init__(message)
        self.parameter = parameter
        self.expected = expected

    @property
    def told(self) -> dict[str, str]:
        """What goes with its words to the peer whose value it was."""
        return {"parameter": self.parameter, "expected": self.expected}


class OutboxFull(AntiphonError):
    """A packet would pass a bound of the outbox; it was refused where it was emitted and nothing else was disturbed."""
