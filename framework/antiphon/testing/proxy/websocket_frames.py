"""Where WebSocket messages end in a stream of bytes (RFC 6455, section 5.2)."""

from antiphon.testing.proxy.pieces import Piece


class WebSocketFrames:
    """Splits one direction of an upgraded connection at the ends of messages.

    Nothing is held back: half a frame goes on as a piece that does not end a message.
    """

    def __init__(self) -> None:
        self._header = bytearray()
        self._payload_left = 0
        self._fragmented = False

    def split(self, received: bytes) -> list[Piece]:
        pieces: list[Piece] = []
        start = at = 0
        while at < len(received):
            if self._payload_left:
                step = min(self._payload_left, len(received) - at)
                self._payload_left -= step
                frame_ended = not self._payload_left
            else:
                step = min(self._header_length() - len(self._header), len(received) - at)
                self._header += received[at : at + step]
                frame_ended = self._begin_payload()
            at += step
            if frame_ended and self._end_frame():
                pieces.append(Piece(received[start:at], ends=True))
                start = at
        if start < at:
            pieces.append(Piece(received[start:at], ends=False))
        return pieces

    def _header_length(self) -> int:
        if len(self._header) < 2:
            return 2
        extended = {126: 2, 127: 8}.get(self._header[1] & 0x7F, 0)
        masking_key = 4 if self._header[1] & 0x80 else 0
        return 2 + extended + masking_key

    def _begin_payload(self) -> bool:
        """Whether the header is complete and no payload follows it."""
        if len(self._header) < self._header_length():
            return False
        length = self._header[1] & 0x7F
        if length >= 126:
            length = int.from_bytes(self._header[2 : 4 if length == 126 else 10], "big")
        self._payload_left = length
        return not length

    def _end_frame(self) -> bool:
        """Whether a message ended with this frame."""
        final, control = self._header[0] & 0x80, self._header[0] & 0x08
        self._header.clear()
        if not control:
            self._fragmented = not final
        # A control frame may stand between the fragments of a message, which then goes on.
        return not self._fragmented
