"""The unit in which bytes travel through the proxy: a run that lies within one message."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestHead:
    method: str
    path: str
    fields: dict[str, str]

    @property
    def wants_websocket(self) -> bool:
        return self.fields.get("upgrade", "").lower() == "websocket"


@dataclass(frozen=True, slots=True)
class ResponseHead:
    status: int
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes, whether a message ends with their last one, and the head if they are one."""

    content: bytes
    ends: bool
    head: RequestHead | ResponseHead | None = None
