"""The Node process that hosts TypeScript clients: a line says what happens, the answer what they did."""

from __future__ import annotations

import subprocess
from pathlib import Path
from select import select
from typing import Any

import msgspec

__all__ = ["Answer", "NodeEnded", "NodeProcess", "State"]

# An answer takes less than a millisecond; what takes so many seconds will never come.
PATIENCE = 30.0
SCRIPT = Path(__file__).with_name("process.mjs")


class State(msgspec.Struct, array_like=True, frozen=True):
    """How a client stands."""

    sid: str | None
    ending: tuple[str, str] | None
    packets: int
    size: int
    numbered: int
    idle: bool
    calls: int
    wanted: list[str]
    live: str | None
    stopped: tuple[str, str] | None


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """What followed at once: `notes` in their order, and when the next timer is due."""

    serial: int
    notes: list[list[Any]]
    due: float | None
    state: State


class NodeEnded(AssertionError):
    """The process crashed, or was ended since it was busy with itself."""


class NodeProcess:
    """One process. It ends with the one that it was started by."""

    def __init__(self, directory: Path) -> None:
        """`directory` holds the compiled client."""
        self._process = subprocess.Popen(
            ["node", str(SCRIPT), str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._input = self._process.stdin
        self._output = self._process.stdout
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(Answer)
        self._line = bytearray()

    def ask(self, now: float, serial: int, taken: list[tuple[int, int]], *what: object) -> Answer:
        """Something happens to the client that was begun last; `begin` begins another one."""
        line = self._encoder.encode((now, serial, taken, *what)) + b"\n"
        while line:
            line = line[self._input.write(line) :]
        pieces: list[bytes] = []
        while not pieces or not pieces[-1].endswith(b"\n"):
            if not select((self._output,), (), (), PATIENCE)[0]:
                self._process.kill()
            piece = self._output.read(1 << 16)
            if not piece:
                raise NodeEnded(f"the Node process ended with {self._process.wait()}")
            pieces.append(piece)
        return self._decoder.decode(b"".join(pieces))

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    def close(self) -> None:
        """End it."""
        self._input.close()
        self._output.close()
        self._process.wait()
