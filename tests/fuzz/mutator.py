"""Mutants of byte strings: cheap to make, and the same again for the same seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

__all__ = ["Mutator", "TokenMutator"]

# Short inputs are many inputs. What is long by nature is a corpus of its own, see nasties.py.
LONGEST = 2048
# What was accepted is mutated further, in so many places.
LEARNED = 512
LARGEST_LEARNED = 256

# The edges of integers and lengths, in every width they are written in.
EDGES = [
    edge.to_bytes(width, "big")
    for width in (1, 2, 4, 8)
    for bits in (0, 7, 8, 15, 16, 31, 32, 53, 63, 64)
    for edge in (2**bits - 1, 2**bits, 2**bits + 1)
    if edge < 256**width
]
# Bytes that mean something somewhere: ends of ASCII, of UTF-8, of the ranges of msgpack, of text formats.
TELLING = b"\x00\x01\x0a\x0d\x1f\x20\x22\x24\x2c\x3a\x5b\x5c\x5d\x7b\x7d\x7f\x80\x8f\x90\x9f\xa0\xbf\xc0\xc1\xed\xff"

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*|[A-Za-z]+|\s+|[^\sA-Za-z0-9"]|.', re.DOTALL)


class Mutator:
    """Mutants of a corpus. `snippets` are whole values that may stand in place of a byte, or between two."""

    def __init__(self, corpus: Sequence[bytes], seed: int, *, snippets: Sequence[bytes] = ()) -> None:
        if not corpus:
            raise ValueError("a mutator needs something to mutate: the corpus is empty")
        # S311 does not matter: it has to be fast and repeatable, not secret.
        self._random = Random(seed).random
        self._pool = list(corpus)
        self._seeds = len(self._pool)
        self._snippets = list(snippets) or EDGES
        self._ways: tuple[Callable[[bytes], bytes], ...] = (
            self._flip,
            self._replace,
            self._delete,
            self._insert,
            self._splice,
            self._lie,
            self._repeat,
            self._truncate,
            self._put_snippet,
            self._put_snippet,
            self._insert_snippet,
            self._move,
        )

    def mutant(self) -> bytes:
        """The next one."""
        random, pool, ways = self._random, self._pool, self._ways
        made = pool[int(random() * len(pool))]
        while True:
            made = ways[int(random() * len(ways))](made)
            if random() < 0.6:
                return made if len(made) <= LONGEST else made[:LONGEST]

    def learn(self, accepted: bytes) -> None:
        """It was accepted, so its mutants get deeper than those of garbage."""
        if len(accepted) > LARGEST_LEARNED:
            return
        if len(self._pool) < self._seeds + LEARNED:
            self._pool.append(accepted)
        else:
            self._pool[self._seeds + int(self._random() * LEARNED)] = accepted

    # -- ways to mutate

    def _flip(self, data: bytes) -> bytes:
        if not data:
            return data
        at = int(self._random() * len(data))
        return data[:at] + bytes((data[at] ^ 1 << int(self._random() * 8),)) + data[at + 1 :]

    def _replace(self, data: bytes) -> bytes:
        at = int(self._random() * len(data))
        return data[:at] + self._byte() + data[at + 1 :]

    def _delete(self, data: bytes) -> bytes:
        at = int(self._random() * len(data))
        return data[:at] + data[at + self._few() :]

    def _insert(self, data: bytes) -> bytes:
        at = int(self._random() * (len(data) + 1))
        return data[:at] + self._byte() * self._few() + data[at:]

    def _splice(self, data: bytes) -> bytes:
        other = self._pool[int(self._random() * len(self._pool))]
        return data[: int(self._random() * (len(data) + 1))] + other[int(self._random() * (len(other) + 1)) :]

    def _lie(self, data: bytes) -> bytes:
        """An edge in place of as many bytes: where a length or a number stands it is a lie about it."""
        edge = EDGES[int(self._random() * len(EDGES))]
        at = int(self._random() * len(data))
        return data[:at] + edge + data[at + len(edge) :]

    def _repeat(self, data: bytes) -> bytes:
        at = int(self._random() * len(data))
        run = data[at : at + self._few()]
        return data[:at] + run * int(2 ** (self._random() * 6)) + data[at:]

    def _truncate(self, data: bytes) -> bytes:
        return data[: int(self._random() * (len(data) + 1))]

    def _put_snippet(self, data: bytes) -> bytes:
        at = int(self._random() * len(data))
        return data[:at] + self._snippets[int(self._random() * len(self._snippets))] + data[at + 1 :]

    def _insert_snippet(self, data: bytes) -> bytes:
        at = int(self._random() * (len(data) + 1))
        return data[:at] + self._snippets[int(self._random() * len(self._snippets))] + data[at:]

    def _move(self, data: bytes) -> bytes:
        at, size = int(self._random() * len(data)), self._few()
        run, rest = data[at : at + size], data[:at] + data[at + size :]
        to = int(self._random() * (len(rest) + 1))
        return rest[:to] + run + rest[to:]

    def _byte(self) -> bytes:
        random = self._random()
        if random < 0.5:
            return bytes((int(random * 512),))
        at = int((random - 0.5) * 2 * len(TELLING))
        return TELLING[at : at + 1]

    def _few(self) -> int:
        return 1 + int(2 ** (self._random() * 5) - 1)


class TokenMutator(Mutator):
    """Mutants of texts such as JSON: mostly their tokens change places, so that more of them can still be read."""

    def __init__(self, corpus: Sequence[bytes], seed: int, *, snippets: Sequence[bytes] = ()) -> None:
        super().__init__(corpus, seed, snippets=snippets)
        self._tokens: dict[bytes, list[bytes]] = {}

    def mutant(self) -> bytes:
        """The next one."""
        random = self._random
        if random() < 0.3:
            return super().mutant()
        tokens = self._tokens_of(self._pool[int(random() * len(self._pool))])
        while tokens:
            self._change(tokens)
            if random() < 0.6:
                break
        return b"".join(tokens)[:LONGEST]

    def _tokens_of(self, data: bytes) -> list[bytes]:
        tokens = self._tokens.get(data)
        if tokens is None:
            if len(self._tokens) > 4 * LEARNED:
                self._tokens.clear()
            tokens = self._tokens[data] = _TOKEN.findall(data)
        return tokens.copy()

    def _change(self, tokens: list[bytes]) -> None:
        random = self._random
        at, other = int(random() * len(tokens)), int(random() * len(tokens))
        match int(random() * 7):
            case 0 | 1 | 2:
                tokens[at] = self._snippets[int(random() * len(self._snippets))]
            case 3:
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case 4:
                tokens[at] = tokens[other]
            case 5:
                del tokens[at]
            case _:
                tokens[at:at] = tokens[min(at, other) : max(at, other) + 1]
