"""The fuzzer itself: it is the same again for the same seed, and finds what is planted."""

from __future__ import annotations

from time import process_time

import pytest

from antiphon.errors import RemoteProtocolError
from tests.fuzz import corpus, nasties
from tests.fuzz.__main__ import main
from tests.fuzz.decoders import Decoder
from tests.fuzz.fuzzing import fuzz, problem_with
from tests.fuzz.mutator import Mutator, TokenMutator

ENOUGH = 20_000


def planted(read: object, *seeds: bytes, snippets: list[bytes] | None = None) -> Decoder:
    assert callable(read)
    return Decoder(name="planted", read=read, seeds=seeds, snippets=snippets or [])


def mutants(kind: type[Mutator], seed: int, number: int = 500) -> list[bytes]:
    form, values = ("json", nasties.JSON_VALUES) if kind is TokenMutator else ("msgpack", nasties.MSGPACK_VALUES)
    mutator = kind(corpus.messages(form), seed, snippets=values)
    return [mutator.mutant() for _ in range(number)]


@pytest.mark.parametrize("kind", [Mutator, TokenMutator])
def test_mutants_are_the_same_for_the_same_seed_and_others_for_another(kind: type[Mutator]) -> None:
    assert mutants(kind, 1) == mutants(kind, 1)
    assert mutants(kind, 1) != mutants(kind, 2)


@pytest.mark.parametrize("kind", [Mutator, TokenMutator])
def test_mutants_are_not_long_and_nearly_all_different(kind: type[Mutator]) -> None:
    made = mutants(kind, 3)

    assert max(map(len, made)) <= 2048
    assert len(set(made)) > 400


def test_an_empty_corpus_is_refused() -> None:
    with pytest.raises(ValueError, match="the corpus is empty"):
        Mutator([], 0)


def test_an_error_of_another_kind_is_found_and_can_be_read_again() -> None:
    def read(data: bytes) -> bool:
        if data.startswith(b"{") and b"\xff" in data:
            raise KeyError("planted")
        raise RemoteProtocolError("protocol", "refused")

    decoder = planted(read, b"[1,2]")

    report = fuzz(decoder, ENOUGH, 0)

    assert report.failures
    failure = report.failures[0]
    assert "KeyError" in failure.problem and "seed 0" in str(failure) and failure.data.hex() in str(failure)
    assert problem_with(decoder, failure.data) == failure.problem


def test_an_input_that_takes_too_long_is_found() -> None:
    def read(data: bytes) -> bool:
        until = process_time() + (0.02 if len(data) > 4 else 0)
        while process_time() < until:
            pass
        return True

    decoder = planted(read, b"abcde")

    report = fuzz(decoder, 1, 0)

    assert [failure.problem.startswith("it takes") for failure in report.failures] == [True]
    assert "ms" in str(problem_with(decoder, b"abcde"))


def test_an_input_that_takes_too_much_memory_is_found() -> None:
    def read(data: bytes) -> bool:
        return len(bytes(1 << 20)) > 0

    decoder = planted(read, b"abc")

    report = fuzz(decoder, 3, 0)

    assert "bytes of memory" in report.failures[0].problem
    assert "bytes of memory" in str(problem_with(decoder, b"abc"))


def test_what_is_accepted_is_mutated_further_so_that_five_steps_in_a_row_are_found() -> None:
    deepest = 0

    def read(data: bytes) -> bool:
        nonlocal deepest
        steps = next((at for at in range(5) if data[at : at + 1] != b"magic"[at : at + 1]), 5)
        news = steps > deepest
        deepest = max(deepest, steps)
        return news

    fuzz(planted(read, b".....", snippets=[b"m", b"a", b"g", b"i", b"c"]), ENOUGH, 0)

    assert deepest == 5


def test_the_command_reads_an_input_again(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["fuzz", "json", "--input", "5b5d"])

    assert main() == 0
    assert capsys.readouterr().out == "json: nothing is wrong\n"


def test_the_command_runs_a_decoder_and_knows_no_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["fuzz", "beacons", "--inputs", "300", "--seed", "4"])
    assert main() == 0
    assert "beacons: 300 inputs" in capsys.readouterr().out

    monkeypatch.setattr("sys.argv", ["fuzz", "nothing"])
    with pytest.raises(SystemExit):
        main()
    assert "'nothing' is no decoder" in capsys.readouterr().err
