from typing import Any

import pytest

from tests.search.conftest import SearchStore
from tests.search.invented import condition


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("subject=Patient/1", ["local", "absolute", "versioned"]),
        ("subject=1", ["local", "absolute", "versioned", "group"]),
        ("subject:Patient=1", ["local", "absolute", "versioned"]),
        ("subject:Group=1", ["group"]),
        ("patient=1", ["local", "absolute", "versioned"]),
        ("patient=Group/1", []),
        ("subject=http://osteon.test/fhir/Patient/1", ["local", "absolute", "versioned"]),
        ("subject=http://else.test/fhir/Patient/1", ["elsewhere"]),
        ("subject=Patient/1/_history/3", ["versioned"]),
        ("subject=urn:uuid:5b1e", ["urn"]),
        ("subject:identifier=http://i|9", ["logical"]),
        ("subject:missing=true", ["none"]),
    ],
)
def test_reference__kinds(store: SearchStore, query: str, found: list[str]) -> None:
    references: dict[str, dict[str, Any]] = {
        "local": {"reference": "Patient/1"},
        "absolute": {"reference": "http://osteon.test/fhir/Patient/1"},
        "versioned": {"reference": "Patient/1/_history/3"},
        "group": {"reference": "Group/1"},
        "elsewhere": {"reference": "http://else.test/fhir/Patient/1"},
        "urn": {"reference": "urn:uuid:5b1e"},
        "logical": {"identifier": {"system": "http://i", "value": "9"}},
    }
    store.put(*(condition(name, subject=value) for name, value in references.items()))
    store.put(condition("none"))
    assert store.find(f"Condition?{query}") == sorted(f"Condition/{one}" for one in sorted(found))
