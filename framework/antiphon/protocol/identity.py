"""Whose session it is, and for how long that is proved: when to ask for fresh credentials, when to close."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Identity", "Principal"]

NEVER = float("inf")

# Fresh credentials are asked for so many seconds before the old ones expire, or so much of their lifetime before.
AHEAD = 60.0
PART = 0.25


@dataclass(frozen=True, slots=True)
class Principal:
    """Who somebody is, as an authentication hook found out.

    `id` is what `server.user(id)` asks for. `expires`, in unix seconds, is when the credentials are no longer good;
    None: never. `data` is the application's own; only the id shows in a repr.
    """

    id: str
    expires: float | None = field(default=None, repr=False)
    data: Any = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if type(self.id) is not str or not self.id:
            raise ValueError(f"Principal(id=...) must be a str that is not empty, but is {self.id!r}")
        expires: Any = self.expires
        if expires is not None and (
            isinstance(expires, bool) or not isinstance(expires, int | float) or not math.isfinite(expires)
        ):
            raise ValueError(f"Principal(expires=...) must be unix seconds or None, but is {expires!r}")


class Identity:
    """What one run of the hook has proved: a principal, or nobody in particular, until its credentials expire.

    Whoever proves it anew gets a new one; the only thing that changes in this one is whether it was asked for.
    """

    __slots__ = ("ask_at", "ends_at", "principal")

    def __init__(self, principal: Principal | None = None, *, now: float = 0.0, wall: float = 0.0) -> None:
        """It is `now` on the monotonic clock, by which it will expire, and `wall` in unix seconds."""
        self.principal = principal
        self.ask_at = self.ends_at = NEVER
        if principal is not None and principal.expires is not None:
            lifetime = principal.expires - wall
            self.ends_at = now + lifetime
            self.ask_at = self.ends_at - min(AHEAD, PART * lifetime)

    @property
    def id(self) -> str | None:
        """The principal's id, None for nobody in particular."""
        return self.principal.id if self.principal is not None else None

    @property
    def due(self) -> float:
        """When to look at it again."""
        return min(self.ask_at, self.ends_at)

    def same_as(self, other: Identity) -> bool:
        """Whether both are the same person; to be nobody in particular is one too."""
        return self.id == other.id

    def expired(self, now: float) -> bool:
        """Whether it proves nothing any more."""
        return now >= self.ends_at

    def asks(self, now: float) -> bool:
        """Whether it is time to ask for fresh credentials: true once, unless `ask_again` says when else."""
        if now < self.ask_at:
            return False
        self.ask_at = NEVER
        return True

    def follow(self, older: Identity) -> None:
        """It was proved by the answer to `older`'s asking. To ask again only brings more if this has brought more."""
        ours, theirs = self.principal, older.principal
        if older.ask_at == NEVER and ours is not None and theirs is not None and ours.expires == theirs.expires:
            self.ask_at = NEVER

    def ask_again(self, at: float) -> None:
        """The answer could not be looked into: ask once more, if there is still time."""
        if at < self.ends_at < NEVER:
            self.ask_at = at

    def postpone(self, seconds: float) -> None:
        """Our own process stalled for so long: fresh credentials may have come meanwhile, and were not read."""
        self.ask_at += seconds
        self.ends_at += seconds
