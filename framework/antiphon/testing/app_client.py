"""A real client of a real port, for tests of a whole application."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.client.client import TRANSPORTS, Client
from antiphon.client.credentials import Auth
from antiphon.config import Backoff
from antiphon.testing.listener import Listener
from antiphon.types import Value

__all__ = ["AppClient"]

# Tests have no time for backoffs; the ceiling keeps a client from spinning while its server is away.
SOON = Backoff(first=0.001, base=0.001, ceiling=0.05, stable=60)


class AppClient(Listener):
    """A client of the server that is mounted at `url`, for instance "http://127.0.0.1:8000/antiphon".

    It is a TestClient but for the network, which is a real one: put a FaultProxy between to break it. `auth` is for
    `on_connect`, `credentials` for the server's authentication hook. What does not happen within `patience` seconds
    fails the test.
    """

    def __init__(
        self,
        url: str,
        *,
        namespace: str = "/",
        auth: Value = None,
        credentials: Auth = None,
        transports: Sequence[str] = TRANSPORTS,
        form: str = "msgpack",
        backoff: Backoff = SOON,
        patience: float = 5.0,
    ) -> None:
        client = Client(url, transports=transports, form=form, backoff=backoff, auth=credentials)
        super().__init__(client, namespace, auth, patience=patience)
