"""The page of the conformance figures is drawn from their file, and covers what the tests cover."""

import json

from tests.validation.conformance_report import DOCS, page
from tests.validation.test_r4_examples import HL7_ERRORS
from tests.validation.test_suite import EXPECTED_FAILURES

FIGURES = json.loads((DOCS / "conformance.json").read_text(encoding="utf-8"))


def test_conformance_page__is_drawn_from_the_figures() -> None:
    assert (DOCS / "conformance.md").read_text(encoding="utf-8") == page(FIGURES), (
        "run `make conformance`"
    )


def test_conformance_figures__are_those_of_the_expected_failures() -> None:
    missed = {
        name
        for title, figure in FIGURES.items()
        if title.startswith("Validator, verdicts")
        for name in figure["missed"]
    }
    assert missed == set(EXPECTED_FAILURES), "run `make conformance`"
    assert set(FIGURES["R4 examples without any error"]["missed"]) == set(HL7_ERRORS)
