"""HL7's R4 examples: every search parameter reads them, and what is indexed finds them again."""

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from fhir_server.model.dates import moment_of
from fhir_server.model.json_source import encode_json, parse_json
from fhir_server.search.indexer import SearchIndexer
from fhir_server.search.request import parse_search
from fhir_server.search.run import run_search
from fhir_server.store.database import Database
from fhir_server.store.embedded_postgres import EmbeddedPostgres
from fhir_server.store.keys import resource_key
from fhir_server.store.resource_types import RESOURCE_TYPES
from fhir_server.store.resources import NewVersion, StoredResource, write_versions

EXAMPLES = Path("../shared/conformance/r4-examples/instances.ndjson.gz")
pytestmark = pytest.mark.skipif(not EXAMPLES.exists(), reason="the conformance data is not here")

Resource = dict[str, Any]
UPDATED = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def examples() -> dict[str, Resource]:
    """The examples that have an id, by `Type/id`."""
    found: dict[str, Resource] = {}
    with gzip.open(EXAMPLES) as lines:
        for line in lines:
            resource = parse_json(msgspec.json.decode(line)["json"].encode())
            if "id" in resource:
                found[f"{resource['resourceType']}/{resource['id']}"] = resource
    return found


@pytest.fixture(scope="module")
def filled(
    postgres: EmbeddedPostgres,
    template_database: str,
    indexer: SearchIndexer,
    examples: dict[str, Resource],
) -> Iterator[Database]:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE examples TEMPLATE {template_database}".encode())
    with Database(postgres.url("examples")) as database:
        with database.transaction() as connection:
            write_versions(connection, [_version(indexer, one) for one in examples.values()])
            connection.execute("ANALYZE")
        yield database
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE examples")


def _version(indexer: SearchIndexer, resource: Resource) -> NewVersion:
    resource_type, resource_id = resource["resourceType"], resource["id"]
    key = resource_key(resource_type, resource_id)
    body = encode_json(resource)
    stored = StoredResource(key, resource_type, resource_id, 1, UPDATED, False, body)
    return NewVersion(stored, None, indexer.rows(resource))


def test_rows__every_parameter_of_every_type_compiles(indexer: SearchIndexer) -> None:
    for resource_type in RESOURCE_TYPES:
        indexer.rows({"resourceType": resource_type})


def test_search__finds_each_example_by_what_it_holds(
    filled: Database, indexer: SearchIndexer, examples: dict[str, Resource]
) -> None:
    missed = []
    with filled.connection() as connection:
        for name, resource in list(examples.items())[::3]:
            for query in _queries(indexer, resource):
                request = parse_search(
                    indexer.parameters, resource["resourceType"], [query, ("_count", "1000")],
                    lenient=False, base_url="http://osteon.test/fhir",
                )  # fmt: skip
                found = run_search(connection, request).matches
                if name.partition("/")[2] not in {stored.id for stored in found}:
                    missed.append((name, query))
    assert missed == []


def _queries(indexer: SearchIndexer, resource: Resource) -> Iterator[tuple[str, str]]:
    """A query for each parameter that the example has, with a value read from the example by hand."""
    rows = indexer.rows(resource)
    codes = {p.hash: p for p in indexer.parameters.of(resource["resourceType"]).values()}
    for number in set(rows.tokens) & set(codes):
        if codes[number].type != "composite":
            yield f"{codes[number].code}:missing", "false"
    for number, low, high in rows.dates:
        if low > -(1 << 62) and high < 1 << 62:
            code = codes[number].code
            yield code, f"ge{moment_of(low).isoformat()}"
            yield code, f"le{moment_of(high).isoformat()}"
    for number, folded, _ in rows.strings:
        parameter = codes.get(number)
        if parameter is not None and parameter.type == "string" and folded.strip("\\,|$"):
            yield parameter.code, folded.replace("\\", "\\\\").replace(",", "\\,")
    yield from _plain_values(resource)


def _plain_values(resource: Resource) -> Iterator[tuple[str, str]]:
    """Values that can be read without a SearchParameter: they check the definitions' expressions."""
    for tag in resource.get("meta", {}).get("tag", ()):
        yield "_tag", f"{tag['system']}|{tag['code']}"
    for profile in resource.get("meta", {}).get("profile", ()):
        yield "_profile", profile
    yield "_id", resource["id"]
    yield "_lastUpdated", "2024-01-01"
    for identifier in _as_list(resource.get("identifier")):
        if "value" in identifier and resource["resourceType"] not in {"Bundle", "Provenance"}:
            yield from _identifier(resource["resourceType"], identifier)
    subject = resource.get("subject")
    if (
        isinstance(subject, dict)
        and "/" in subject.get("reference", "")
        and _searches_subject(resource)
    ):
        yield "subject", subject["reference"]
        yield "subject", subject["reference"].rpartition("/")[2]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _identifier(resource_type: str, identifier: Resource) -> Iterator[tuple[str, str]]:
    value = identifier["value"].replace(",", "\\,").replace("|", "\\|")
    yield "identifier", value
    yield "identifier", f"{identifier.get('system', '')}|{value}"


def _searches_subject(resource: Resource) -> bool:
    return resource["resourceType"] in {"Condition", "Observation", "Encounter", "Procedure"}
