"""Values of public messages, one data type or segment each, in our resources."""

import json
from pathlib import Path

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import map_message
from tests.ingest.mapping.value_survival import (
    DOCS,
    Survival,
    figures,
    library_for_any_sender,
    page,
    read_folder,
    survivals,
)

FOLDER = Path(__file__).parents[4] / "shared" / "conformance" / "hl7v2" / "field-mapping"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the suite is not at hand")


@pytest.fixture(scope="module")
def found() -> list[Survival]:
    return list(read_folder(FOLDER))


def test_values__are_all_accounted_for() -> None:
    library = library_for_any_sender()
    for path in FOLDER.rglob("*.hl7"):
        message = Message.parse(path.read_bytes())
        result = map_message(message, library=library)
        leaves = sum(1 for segment in message.segments for _ in segment.leaves())
        assert len(result.fates) == leaves
        assert all(f.reason or f.targets for f in result.fates)
        assert list(survivals(path.stem, message, result))


def test_values__appear_in_the_resources_but_for_what_is_refused(found: list[Survival]) -> None:
    kept = sum(one.fate in {"mapped", "kept"} for one in found)
    assert kept / len(found) > 0.95


def test_values__that_are_mapped_or_kept_appear_as_text(found: list[Survival]) -> None:
    told = [one for one in found if one.fate in {"mapped", "kept"}]
    # The others are translated: names of coding systems and authorities, codes of tables, times.
    assert sum(one.found for one in told) / len(told) > 0.95


def test_survival__is_that_of_the_page(found: list[Survival]) -> None:
    report = figures(found)
    assert json.loads((DOCS / "hl7v2-survival.json").read_text()) == report
    assert (DOCS / "hl7v2-survival.md").read_text() == page(report)
