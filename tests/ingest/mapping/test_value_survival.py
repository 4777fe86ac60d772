"""Values of public messages, one data type or segment each, in our resources."""

from collections import Counter
from pathlib import Path

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import map_message
from tests.ingest.mapping.value_survival import (
    Survival,
    library_for_any_sender,
    read_folder,
    survivals,
)

FOLDER = Path(__file__).parents[4] / "shared" / "conformance" / "hl7v2" / "field-mapping"
pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the suite is not at hand")

MAPPED_AT_LEAST = {
    "MSH": 620,
    "PID": 185,
    "OBR": 270,
    "OBX": 123,
    "SPM": 121,
    "ORC": 16,
    "PV1": 515,
}
"""Values of the suite's messages that are mapped, by segment. The figures only rise."""


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


def test_values__are_mapped_as_often_as_before(found: list[Survival]) -> None:
    mapped = Counter(one.path[:3] for one in found if one.kind == "mapped")
    short = {name: mapped[name] for name, least in MAPPED_AT_LEAST.items() if mapped[name] < least}
    assert short == {}


def test_values__that_are_mapped_appear_in_the_resources(found: list[Survival]) -> None:
    mapped = [one for one in found if one.kind == "mapped"]
    # The others are translated: names of coding systems and authorities, codes of tables.
    assert sum(one.found for one in mapped) / len(mapped) > 0.8
