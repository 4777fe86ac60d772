"""What is mapped conforms to the profiles it claims."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fhir_server.definitions.packages import network_definitions
from ingest.hl7v2 import Message
from ingest.mapping import default_library, map_message, organizations_bundle
from ingest.mapping.library import mappings_folder
from ingest.mapping.yaml_source import load_section
from tests.ingest.mapping import (
    test_families,
    test_merge,
    test_movements,
    test_rows_beyond_segments,
)
from tests.ingest.mapping.conformity import faults
from tests.ingest.mapping.conftest import MESSAGES, read_message
from tests.ingest.mapping.memory_store import MemoryStore
from tests.ingest.mapping.value_survival import library_for_any_sender

SAMPLES = Path(__file__).parents[4] / "shared" / "conformance" / "hl7v2" / "field-mapping"
MODULES = (test_families, test_merge, test_movements, test_rows_beyond_segments)


def messages() -> Iterator[tuple[str, Message]]:
    """Every message that the tests of the maps hold: all families, movements and merges."""
    for path in sorted(MESSAGES.glob("*.hl7")):
        yield path.stem, read_message(path.stem)
    for module in MODULES:
        for name, value in vars(module).items():
            if isinstance(value, Message):
                yield f"{module.__name__.rpartition('.')[2]}.{name}", value


EVERY = dict(messages())


@pytest.mark.parametrize("name", EVERY)
def test_resources__conform_to_the_profiles_they_claim(name: str) -> None:
    result = map_message(EVERY[name], stored=MemoryStore())
    assert result.bundle is not None, result.held
    assert faults([entry["resource"] for entry in result.bundle["entry"]]) == []


def test_organizations__conform_to_the_profile_of_centres() -> None:
    bundle = organizations_bundle(default_library().register.centres.values())
    assert len(bundle["entry"]) == 24
    assert faults([entry["resource"] for entry in bundle["entry"]]) == []


def test_extensions__are_known_to_the_server() -> None:
    definitions = network_definitions()
    section = load_section(mappings_folder() / "extensions.yaml", mappings_folder())
    own_form = "http://hl7.org/fhir/5.0/StructureDefinition/extension-"
    unknown = [
        url
        for url in map(section.text, section)
        if not url.startswith(own_form) and definitions.structure(url) is None
    ]
    assert unknown == []


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not at hand")
def test_resources__of_foreign_samples_have_nothing_that_the_server_would_refuse() -> None:
    """The samples lack what identifies and is required; what they have must be well made all the same."""
    library = library_for_any_sender()
    found = {
        (path.name, *fault)
        for path in sorted(SAMPLES.rglob("*.hl7"))
        for fault in faults(
            map_message(Message.parse(path.read_bytes()), library=library).resources
        )
        if fault[1] != "cardinality-min"
    }
    assert found == set()
