"""A store to search in, filled through the indexer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.fhirpath import FHIRPath
from fhir_server.model.json_source import encode_json
from fhir_server.search.indexer import SearchIndexer
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.request import SearchRequest, parse_search
from fhir_server.search.run import SearchResult, run_search
from fhir_server.store.database import Database
from fhir_server.store.keys import resource_key
from fhir_server.store.resources import NewVersion, StoredResource, write_versions
from tests.search.invented import coded, condition, observation, patient

BASE_URL = "http://osteon.test/fhir"


@pytest.fixture(scope="session")
def indexer() -> SearchIndexer:
    definitions = core_definitions()
    engine = FHIRPath(definitions.type_model, lenient=True)
    return SearchIndexer(definitions, engine, bases=[BASE_URL])


@pytest.fixture(scope="session")
def parameters(indexer: SearchIndexer) -> SearchParameters:
    return indexer.parameters


@dataclass
class SearchStore:
    """Puts resources and finds them: `find("Patient?name=x")` gives `["Patient/1"]`."""

    database: Database
    indexer: SearchIndexer

    def put(self, *resources: dict[str, Any], updated: str = "2024-01-01T00:00:00") -> None:
        moment = datetime.fromisoformat(updated).replace(tzinfo=UTC)
        versions = [self._version(resource, moment) for resource in resources]
        with self.database.transaction() as connection:
            write_versions(connection, versions)

    def _version(self, resource: dict[str, Any], moment: datetime) -> NewVersion:
        resource_type, resource_id = resource["resourceType"], resource["id"]
        stored = StoredResource(
            resource_key(resource_type, resource_id), resource_type, resource_id, 1, moment,
            False, encode_json(resource),
        )  # fmt: skip
        return NewVersion(stored, None, self.indexer.rows(resource))

    def request(self, query: str, *, lenient: bool = False) -> SearchRequest:
        resource_type, _, rest = query.partition("?")
        pairs = parse_qsl(rest, keep_blank_values=True, strict_parsing=bool(rest))
        return parse_search(
            self.indexer.parameters,
            resource_type or None,
            pairs,
            lenient=lenient,
            base_url=BASE_URL,
        )

    def search(self, query: str, *, lenient: bool = False) -> SearchResult:
        with self.database.connection() as connection:
            return run_search(connection, self.request(query, lenient=lenient))

    def find(self, query: str) -> list[str]:
        return sorted(self.ordered(query))

    def ordered(self, query: str) -> list[str]:
        return names(self.search(query).matches)

    def pages(self, query: str) -> Iterator[list[str]]:
        request = self.request(query)
        resource_type = query.partition("?")[0]
        result = self.search(query)
        yield names(result.matches)
        while result.next_cursor is not None:
            result = self.search(f"{resource_type}?{request.next_query(result.next_cursor)}")
            yield names(result.matches)


def names(found: Sequence[StoredResource]) -> list[str]:
    return [f"{stored.type}/{stored.id}" for stored in found]


@pytest.fixture
def store(database: Database, indexer: SearchIndexer) -> SearchStore:
    return SearchStore(database, indexer)


@pytest.fixture
def network(store: SearchStore) -> SearchStore:
    """Two patients, their conditions and observations, a practitioner, an organisation."""
    store.put(
        {"resourceType": "Organization", "id": "o", "name": "Institut"},
        {"resourceType": "Practitioner", "id": "d", "name": [{"family": "Docteur"}]},
        patient("1", name=[{"family": "Un"}], managingOrganization={"reference": "Organization/o"},
                 generalPractitioner=[{"reference": "Practitioner/d"}]),
        patient("2", name=[{"family": "Deux"}]),
        condition("c1", subject={"reference": "Patient/1"}, code=coded("http://s", "x")),
        condition("c2", subject={"reference": "Patient/2"}, code=coded("http://s", "x")),
        observation("o1", subject={"reference": "Patient/1"}, code=coded("http://l", "a"),
                     hasMember=[{"reference": "Observation/o2"}]),
        observation("o2", subject={"reference": "Patient/1"}, code=coded("http://l", "b"),
                     hasMember=[{"reference": "Observation/o3"}]),
        observation("o3", subject={"reference": "Patient/2"}, code=coded("http://l", "c"),
                     hasMember=[{"reference": "Observation/o1"}]),
    )  # fmt: skip
    return store
