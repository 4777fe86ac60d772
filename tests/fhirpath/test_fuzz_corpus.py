from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.fuzz_fhirpath import one_input

CORPUS = sorted((Path(__file__).parents[1] / "fuzz/corpus/fhirpath").iterdir())
PIECES = [
    "name",
    ".",
    "(",
    ")",
    "given",
    "'a'",
    "1",
    "|",
    "where",
    "=",
    "$this",
    " and ",
    "[",
    "]",
    "first",
    "1.5 'mg'",
    "@2015",
    "+",
    "-",
    "resolve",
    " is ",
    "Patient",
    "%resource",
    "{}",
    ",",
    "select",
    "repeat",
    "~",
]


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_fuzz__corpus_runs_clean(path: Path) -> None:
    one_input(path.read_bytes())


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@settings(max_examples=300)
def test_fuzz__pieces_in_any_order_run_clean(text: str) -> None:
    one_input(text.encode())
