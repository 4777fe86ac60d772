"""The network's own SearchParameters index its own examples."""

import json
from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions.packages import network_definitions
from fhir_server.fhirpath import FHIRPath
from fhir_server.model.json_source import parse_json
from fhir_server.search.indexer import SearchIndexer

PROFILES = Path("profiles")
PARAMETERS = sorted((PROFILES / "search-parameters").glob("*.json"))


@pytest.fixture(scope="module")
def network_indexer() -> SearchIndexer:
    definitions = network_definitions()
    return SearchIndexer(definitions, FHIRPath(definitions.type_model, lenient=True))


@pytest.fixture(scope="module")
def examples() -> list[dict[str, Any]]:
    files = sorted((PROFILES / "examples" / "valid").glob("*.json"))
    return [parse_json(file.read_bytes()) for file in files]


@pytest.mark.parametrize("file", PARAMETERS, ids=lambda file: file.stem)
def test_rows__own_parameter_indexes_an_example(
    network_indexer: SearchIndexer, examples: list[dict[str, Any]], file: Path
) -> None:
    definition = json.loads(file.read_bytes())
    of_base = [one for one in examples if one["resourceType"] in definition["base"]]
    for asked in _with_rows(definition):
        numbers = {
            parameter.hash
            for base in asked["base"]
            if (parameter := network_indexer.parameters.find(base, asked["code"])) is not None
        }
        assert any(numbers & set(network_indexer.rows(one).tokens) for one in of_base), asked["id"]


def _with_rows(definition: dict[str, Any]) -> list[dict[str, Any]]:
    """The parameter itself; for a composite of whole resources, the parameters of its components."""
    if definition["type"] != "composite" or definition["expression"] not in definition["base"]:
        return [definition]
    ids = [component["definition"].rpartition("/")[2] for component in definition["component"]]
    return [
        json.loads((PROFILES / "search-parameters" / f"{one}.json").read_bytes()) for one in ids
    ]
