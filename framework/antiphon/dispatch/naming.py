"""What the application may name a namespace and an event, looked at where it does."""

from __future__ import annotations

from antiphon.config import Limits
from antiphon.errors import LocalProtocolError
from antiphon.protocol.values import stray

__all__ = ["check_event_name", "check_namespace"]


def check_namespace(name: str, limits: Limits) -> None:
    """Raise LocalProtocolError for a name that no namespace can have."""
    if type(name) is not str or not name.startswith("/") or len(name) > limits.name or stray(name, 0) is not None:
        raise LocalProtocolError(
            f'a namespace is named "/" or "/something", at most {limits.name} characters, not {name!r:.200}'
        )


def check_event_name(decorator: str, event: str) -> None:
    """Raise TypeError where a decorator that takes a name was put on the function itself."""
    if not isinstance(event, str):
        raise TypeError(
            f"{decorator}() takes the name of an event, but was given {event!r}; "
            f"write @{decorator}('say') instead of @{decorator}"
        )
