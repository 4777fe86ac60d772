"""Searches beside the best SQL written by hand for each, on the same rows, in a small and a large network.

    python -m benchmarks search                             10,000 beside 100,000 resources
    BENCH_RESOURCES=1000000 python -m benchmarks search     10,000 beside a million

The hand-written SQL knows the answer's shape and the number of each parameter, uses the same tables,
and gives the same columns; every line checks that both find as many resources, and ours all among the
matches. By hand the order of a search without `_sort` is the quicker one of ours. What the ratio shows is
the cost of being general: reading the query string, planning, and the SQL that comes of it. Growth is our
median in the large network beside that in the small one.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from fhir_server.definitions import core_definitions
from fhir_server.fhirpath import FHIRPath
from fhir_server.model.json_source import encode_json
from fhir_server.search.indexer import SearchIndexer
from fhir_server.search.request import parse_search
from fhir_server.search.run import run_search
from fhir_server.store import migrations
from fhir_server.store.bodies import packed
from fhir_server.store.database import Connection, Database
from fhir_server.store.embedded_postgres import EmbeddedPostgres
from fhir_server.store.keys import hash64, parameter_hash, resource_key
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.token_blocks import keep_token_blocks

ROUNDS = 200
"""Enough for a p99; a slow search stops after `LONGEST_S`."""
LONGEST_S = 10.0
SMALL = 10_000
PER_PATIENT = 30
COLUMNS = "r.key, r.type, r.id, r.version, r.updated, r.deleted, r.body"
Resource = dict[str, Any]


def resources(count: int, rng: random.Random) -> Iterator[Resource]:
    """An invented network: patients, half their resources conditions, half observations."""
    patients = count // (PER_PATIENT + 1)
    for number in range(patients):
        yield _patient(number, rng)
        for index in range(PER_PATIENT):
            make = _condition if index % 2 else _observation
            yield make(f"{number}-{index}", number, rng)


def _patient(number: int, rng: random.Random) -> Resource:
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "identifier": [{"system": "urn:oid:1.2.250.1.213.1.4.10", "value": f"{number:015}"}],
        "name": [{"family": _name(rng), "given": [_name(rng)]}],
        "gender": rng.choice(["male", "female"]),
        "birthDate": f"{rng.randint(1930, 2015)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}",
    }


def _name(rng: random.Random) -> str:
    return "".join(
        rng.choice(["ma", "le", "fi", "or", "du", "be", "ra", "ni", "to"]) for _ in range(3)
    )


def _code(rng: random.Random) -> dict[str, Any]:
    code = f"c{min(int(rng.paretovariate(0.7)), 200)}"
    return {"coding": [{"system": "http://codes.test", "code": code, "display": f"Code {code}"}]}


def _status(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}


def _date(rng: random.Random) -> str:
    return f"{rng.randint(2005, 2024)}-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}"


def _condition(resource_id: str, patient: int, rng: random.Random) -> Resource:
    return {
        "resourceType": "Condition",
        "id": f"c{resource_id}",
        "clinicalStatus": _status("condition-clinical", rng.choice(["active"] * 4 + ["resolved"])),
        "verificationStatus": _status("condition-ver-status", "confirmed"),
        "category": [_status("condition-category", "encounter-diagnosis")],
        "code": _code(rng),
        "subject": {"reference": f"Patient/p{patient}"},
        "recordedDate": _date(rng),
        "note": [{"text": "An invented note of some length. " * 12}],
    }


def _observation(resource_id: str, patient: int, rng: random.Random) -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"o{resource_id}",
        "status": "final",
        "category": [_status("observation-category", "laboratory")],
        "code": _code(rng),
        "subject": {"reference": f"Patient/p{patient}"},
        "effectiveDateTime": _date(rng),
        "valueQuantity": {"value": rng.randint(1, 500), "unit": "mm", "code": "mm",
                          "system": "http://unitsofmeasure.org"},
    }  # fmt: skip


_COPIES = (
    ("dates", "search_date (key, parameter, low, high)"),
    ("quantities", "search_quantity (key, parameter, unit, low, high)"),
    ("strings", "search_string (key, parameter, value, in_parts)"),
    ("references", "search_reference (key, parameter, target)"),
)


def load(connection: Connection, indexer: SearchIndexer, count: int) -> None:
    """Write the network by COPY, some thousands of resources at a time."""
    batch: list[Resource] = []
    for resource in resources(count, random.Random(1)):
        batch.append(resource)
        if len(batch) == 20_000:
            _copy(connection, indexer, batch)
            batch = []
    _copy(connection, indexer, batch)
    connection.execute("VACUUM (ANALYZE)")


def _copy(connection: Connection, indexer: SearchIndexer, batch: list[Resource]) -> None:
    moment = datetime(2024, 1, 1, tzinfo=UTC)
    indexed = [(resource_key(r["resourceType"], r["id"]), r, indexer.rows(r)) for r in batch]
    columns = "key, type, id, version, updated, deleted, body, tokens"
    with connection.cursor().copy(f"COPY resource ({columns}) FROM STDIN") as copy:
        for key, resource, rows in indexed:
            number = TYPE_NUMBERS[resource["resourceType"]]
            body = packed(encode_json(resource))
            copy.write_row((key, number, resource["id"], 1, moment, False, body, rows.tokens))
    for attribute, table in _COPIES:
        with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for key, _, rows in indexed:
                for row in getattr(rows, attribute):
                    copy.write_row((key, *row))


@dataclass(frozen=True)
class Case:
    """A search and the SQL that someone who knows the tables would write for it."""

    name: str
    query: str
    statement: str
    values: tuple[Any, ...]
    waves: tuple[str, ...] = ()
    """Statements with the keys found as their only value: what is included, or the total."""


def _token(code: str, value: str, resource_type: str = "Condition") -> int:
    return parameter_hash(resource_type, code) ^ hash64(value)


def _wave(wanted: str, known: str, parameter: int) -> str:
    """The resources that references lead to, or come from."""
    return (
        f"SELECT {COLUMNS} FROM resource r WHERE NOT r.deleted AND r.key IN "
        f"(SELECT e.{wanted} FROM search_reference e WHERE e.{known} = ANY(%s) "
        f"AND e.parameter = {parameter}) LIMIT 1001"
    )


def _total(tokens: list[int]) -> str:
    """How many resources have all tokens; the keys of the page do not matter."""
    return (
        f"SELECT count(*) FROM resource r WHERE r.tokens @> ARRAY{tokens}::bigint[] "
        "AND %s::bigint[] IS NOT NULL"
    )


def cases() -> list[Case]:
    """The searches that the performance table names."""
    condition, observation, patient = (
        TYPE_NUMBERS[name] for name in ("Condition", "Observation", "Patient")
    )
    one = resource_key("Patient", "p7")
    subject = parameter_hash("Condition", "subject")
    recorded = parameter_hash("Condition", "recorded-date")
    active = _token("clinical-status", "=active")
    page = f"SELECT {COLUMNS} FROM resource r WHERE NOT r.deleted AND r.type = %s"
    first = " ORDER BY r.sequence LIMIT 21"
    by_key = " ORDER BY r.key LIMIT 21"
    by_date = (
        f"SELECT {COLUMNS} FROM resource r JOIN search_date f ON f.key = r.key "
        "WHERE NOT r.deleted AND r.type = %s AND r.tokens @> %s::bigint[] AND f.parameter = %s "
        "AND f.low >= %s AND f.low < %s AND f.high + 0 < %s ORDER BY f.low, f.high, f.key LIMIT 21"
    )
    start, end = 1_577_836_800_000_000, 1_609_459_200_000_000
    year = (start, end, end)
    return [
        Case("identifier", "Patient?identifier=urn:oid:1.2.250.1.213.1.4.10|000000000000007",
             f"{page} AND r.tokens @> %s::bigint[]{first}",
             (patient, [_token("identifier", "urn:oid:1.2.250.1.213.1.4.10|000000000000007", "Patient")])),
        Case("patient", "Condition?subject=Patient/p7&_count=20",
             f"{page} AND r.tokens @> %s::bigint[]{first}", (condition, [subject ^ one])),
        Case("dense code and date, by date",
             "Condition?code=c1&recorded-date=2020&_sort=recorded-date&_count=20",
             by_date, (condition, [_token("code", "=c1")], recorded, *year)),
        Case("rare code and date, by date",
             "Condition?code=c90&recorded-date=2020&_sort=recorded-date&_count=20",
             by_date, (condition, [_token("code", "=c90")], recorded, *year)),
        Case("three tokens", "Condition?code=c9&clinical-status=active&category=encounter-diagnosis"
             "&_count=20",
             f"{page} AND r.tokens @> %s::bigint[]{first}",
             (condition, [_token("code", "=c9"), active, _token("category", "=encounter-diagnosis")])),
        Case("chained by name", "Condition?subject:Patient.family=maleru&_count=20",
             f"SELECT {COLUMNS} FROM search_string s JOIN search_reference e ON e.target = s.key "
             "JOIN resource r ON r.key = e.key WHERE s.parameter = %s AND s.value LIKE %s "
             f"AND e.parameter = %s{first}",
             (parameter_hash("Patient", "family"), "maleru%", subject)),
        Case("chained by identifier", "Condition?subject:Patient.identifier=000000000000009&_count=20",
             f"SELECT {COLUMNS} FROM resource t JOIN search_reference e ON e.target = t.key "
             f"JOIN resource r ON r.key = e.key WHERE t.tokens @> %s::bigint[] AND e.parameter = %s{first}",
             ([_token("identifier", "=000000000000009", "Patient")], subject)),
        Case("chained, dense", "Condition?subject:Patient.gender=male&_count=20",
             f"{page} AND EXISTS (SELECT FROM search_reference e JOIN resource t ON t.key = e.target "
             "WHERE e.key = r.key AND e.parameter = %s AND t.tokens @> %s::bigint[])" + first,
             (condition, subject, [_token("gender", "=male", "Patient")])),
        Case("_has", "Patient?_has:Observation:patient:code=c90&_count=20",
             f"{page} AND r.key IN (SELECT e.target FROM resource s JOIN search_reference e ON e.key = s.key "
             f"WHERE s.tokens @> %s::bigint[] AND e.parameter = %s){by_key}",
             (patient, [_token("code", "=c90", "Observation")], parameter_hash("Observation", "patient"))),
        Case("_has dense", "Patient?_has:Observation:patient:code=c1&_count=20",
             f"{page} AND EXISTS (SELECT FROM search_reference e JOIN resource s ON s.key = e.key "
             "WHERE e.target = r.key AND e.parameter = %s AND s.tokens @> %s::bigint[])" + first,
             (patient, parameter_hash("Observation", "patient"), [_token("code", "=c1", "Observation")])),
        Case("string :contains", "Patient?family:contains=fior&_count=20",
             f"{page} AND r.key IN (SELECT s.key FROM search_string s WHERE "
             f"s.in_parts AND s.parameter IS NOT DISTINCT FROM %s AND s.value LIKE %s){by_key}",
             (patient, parameter_hash("Patient", "family"), "%fior%")),
        Case("string prefix", "Patient?family=fior&_count=20",
             f"{page} AND r.key IN (SELECT s.key FROM search_string s WHERE s.parameter = %s "
             f"AND s.value LIKE %s){by_key}",
             (patient, parameter_hash("Patient", "family"), "fior%")),
        Case("quantity, with unit", "Observation?value-quantity=gt495||mm&_count=20",
             f"{page} AND r.key IN (SELECT s.key FROM search_quantity s WHERE s.parameter = %s "
             f"AND s.unit = %s AND s.high > 495){by_key}",
             (observation, parameter_hash("Observation", "value-quantity"), hash64("|mm"))),
        Case("newest of all", "Condition?_sort=-recorded-date&_count=20",
             f"SELECT {COLUMNS} FROM resource r JOIN search_date f ON f.key = r.key "
             "WHERE f.parameter = %s ORDER BY f.high DESC, f.low DESC, f.key DESC LIMIT 21", (recorded,)),
        Case("page of a type", "Condition?_count=20", page + first, (condition,)),
        Case("include and revinclude",
             "Condition?code=c90&_count=20&_include=Condition:subject&_revinclude=Observation:focus",
             f"{page} AND r.tokens @> %s::bigint[]{first}", (condition, [_token("code", "=c90")]),
             (_wave("target", "key", subject),
              _wave("key", "target", parameter_hash("Observation", "focus")))),
        Case("_total=accurate", "Condition?code=c9&clinical-status=active&_total=accurate&_count=20",
             f"{page} AND r.tokens @> %s::bigint[]{first}",
             (condition, [_token("code", "=c9"), active]),
             (_total([_token("code", "=c9"), active]),)),
        Case("total of a dense code", "Condition?code=c1&_summary=count",
             "SELECT count(*) FROM resource r WHERE r.tokens @> %s::bigint[]", ([_token("code", "=c1")],)),
    ]  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """Units: milliseconds."""

    p50: float
    p99: float


def measure(run: Callable[[], object]) -> Timing:
    """Median and ninety-ninth percentile of many rounds."""
    run()
    times: list[float] = []
    stop = time.perf_counter() + LONGEST_S
    while len(times) < ROUNDS and (len(times) < 2 or time.perf_counter() < stop):
        start = time.perf_counter()
        run()
        times.append((time.perf_counter() - start) * 1000)
    return Timing(statistics.median(times), statistics.quantiles(times, n=100)[-1])


def compare(connection: Connection, indexer: SearchIndexer, case: Case) -> tuple[Timing, Timing]:
    """Ours and the hand-written SQL, which must find the same."""
    resource_type, _, query = case.query.partition("?")
    pairs = parse_qsl(query)

    def ours() -> list[int]:
        request = parse_search(
            indexer.parameters, resource_type, pairs, lenient=False, base_url="http://osteon.test"
        )
        result = run_search(connection, request)
        return [one.key for one in result.matches] or [result.total or 0]

    def theirs() -> list[int]:
        rows = connection.execute(case.statement.encode(), case.values).fetchall()
        found = [row[0] for row in rows[:20]]
        for wave in case.waves:
            connection.execute(wave.encode(), (found,)).fetchall()
        return found or [0]

    matches = case.statement.partition(" ORDER BY ")[0].encode()
    every = {row[0] for row in connection.execute(matches, case.values).fetchall()}
    assert set(ours()) <= (every or {0}), case.name
    assert len(ours()) == len(theirs()), case.name
    # As the server does once a minute, for the tokens whose totals were asked for.
    keep_token_blocks(connection)
    return measure(ours), measure(theirs)


@contextmanager
def network(indexer: SearchIndexer, count: int) -> Iterator[Connection]:
    """A connection to a database of its own that holds so many resources."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder), durable=False, owner="search benchmark")
        server.start()
        try:
            migrations.upgrade(server.url("postgres"))
            with Database(server.url("postgres"), statement_timeout_s=600) as database:
                start = time.perf_counter()
                with database.connection() as connection:
                    load(connection, indexer, count)
                rate = count / (time.perf_counter() - start)
                print(f"{count} resources indexed and copied, {rate:.0f}/s", flush=True)
                with database.connection() as connection:
                    yield connection
        finally:
            server.stop()


def main() -> None:
    """Load both networks, then compare case after case."""
    count = int(os.environ.get("BENCH_RESOURCES", "100000"))
    definitions = core_definitions()
    indexer = SearchIndexer(definitions, FHIRPath(definitions.type_model, lenient=True))
    with network(indexer, SMALL) as small, network(indexer, count) as large:
        report(indexer, small, large)


def report(indexer: SearchIndexer, small: Connection, large: Connection) -> None:
    """Print a line for each case."""
    print(
        f"{'search, ms':30} {'p50':>8} {'p99':>8}   {'by hand':>8} {'p99':>8} {'ratio':>6}"
        f"   {'p50 small':>9} {'growth':>6}"
    )
    for case in cases():
        before, _ = compare(small, indexer, case)
        ours, hand = compare(large, indexer, case)
        print(
            f"{case.name:30} {ours.p50:8.2f} {ours.p99:8.2f}   {hand.p50:8.2f} {hand.p99:8.2f} "
            f"{ours.p50 / hand.p50:6.1f}   {before.p50:9.2f} {ours.p50 / before.p50:6.1f}",
            flush=True,
        )
