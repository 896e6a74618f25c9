"""Which pages may talk to this server. Checked on every transport, since browsers check only some."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

__all__ = ["Origins"]


ANY = "*"


class Origins:
    """The server's own origin, and the ones that were listed; "*" lists them all."""

    def __init__(self, listed: Sequence[str]) -> None:
        """Raises ValueError for what is no origin."""
        if isinstance(listed, str):
            raise ValueError(f'origins is a list of origins, so write ["{listed}"]')
        for origin in listed:
            if origin == ANY:
                continue
            parts = urlsplit(origin)
            if not parts.scheme or not parts.netloc or parts.path or parts.query or parts.fragment or "*" in origin:
                raise ValueError(
                    f'an origin is a scheme and a host, like "https://app.example" or with a port, not {origin!r}'
                )
        self._listed = frozenset(origin.lower() for origin in listed)

    def refusal(self, origins: Sequence[str], scheme: str, host: str) -> str | None:
        """Why a request with these Origin headers is turned away; None when it may come in.

        `scheme` and `host` are what the client asked for: where the server itself is found.
        """
        if not origins:
            return None  # no browser: they send one with every WebSocket and every POST
        if len(origins) > 1:
            return "more than one Origin header"
        if ANY in self._listed:
            return None
        origin = origins[0].lower()
        if origin == "null":
            return "a page without an origin (a file, a sandbox) may not connect"
        own = _normal(scheme, host)
        if origin in self._listed or origin == own:
            return None
        return (
            f"pages of {origins[0][:80]!r} may not connect to {own[:80]!r}; list their origin: Server(origins=[...]), "
            "or have the proxy in front pass on Host and X-Forwarded-Proto"
        )

    def allowed(self, origin: str) -> bool:
        """Whether a page of another origin gets CORS answers."""
        return origin != "" and (ANY in self._listed or origin.lower() in self._listed)

    def trusted(self, origin: str) -> bool:
        """Whether it was listed by its name: only then its pages may send cookies along."""
        return origin.lower() in self._listed and origin != ANY


def _normal(scheme: str, host: str) -> str:
    """As browsers write an origin: without the port that the scheme has anyway."""
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    host = host.lower()
    return f"{scheme}://{host.removesuffix(default) if default else host}"
