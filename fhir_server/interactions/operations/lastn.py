"""Observation/$lastn: the latest observations of a patient, some of each code.

Observations whose codes have a coding in common are of one group; so are those with the same text and
no coding. Those that are as late as the last of their group come along.

Source: https://hl7.org/fhir/R4/observation-operation-lastn.html
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.search_request import understand
from fhir_server.interactions.search_type import searchset
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import refuse
from fhir_server.model.json_source import parse_stored
from fhir_server.search.request import MAX_COUNT, SearchRequest
from fhir_server.search.run import SearchResult, run_search
from fhir_server.store.resources import Connection, StoredResource

MOST_OF_EACH = 1000
_SUBJECTS = ("patient", "subject")
_FIXED = ("_sort", "_count", "_cursor", "_total", "_summary", "_include", "_revinclude", "_explain")


def lastn(
    server: FhirServer,
    connection: Connection,
    pairs: Sequence[tuple[str, str]],
    format_pairs: Sequence[tuple[str, str]] = (),
) -> Answer:
    """The latest observations as a searchset Bundle, the latest first.

    Shape: `max` how many of each code, one without it; any search parameters of Observation narrow them.
    The link repeats `format_pairs`.
    Errors: Refused 400 without `patient` or `subject`, for a `max` that is no number, as a search.
    Cost: reads all observations that match, a thousand at a time.
    """
    most = _most([value for name, value in pairs if name == "max"])
    asked = [pair for pair in pairs if pair[0] != "max"]
    for name, _ in asked:
        if name.partition(":")[0] in _FIXED:
            raise refuse(400, "operation-parameter-unknown", "not-supported", f"http.{name[:64]}",
                         name=name[:64], allowed="max, patient, subject, category, code, date")  # fmt: skip
    if not any(name.partition(":")[0].partition(".")[0] in _SUBJECTS for name, _ in asked):
        raise refuse(400, "lastn-no-subject", "required")
    ordered = [*asked, ("_sort", "-date"), ("_count", str(MAX_COUNT))]
    request = understand(server, connection, "Observation", ordered)
    found = tuple(_latest(_matches(connection, request), most))
    query = urlencode([*pairs, *format_pairs], quote_via=quote, safe=":/,$")
    links = [{"relation": "self", "url": f"{server.base_url}/Observation/$lastn?{query}"}]
    return Answer(
        200, body=searchset(server, request, SearchResult(found, total=len(found)), links)
    )


def _most(given: Sequence[str]) -> int:
    if not given:
        return 1
    value = given[0]
    if len(given) > 1 or not (value.isascii() and value.isdigit() and int(value[:9]) > 0):
        raise refuse(
            400, "parameter-invalid", "value", "http.max", name="max", expected="1, 2, 3, …"
        )
    return min(int(value[:9]), MOST_OF_EACH)


def _matches(connection: Connection, request: SearchRequest) -> Iterator[StoredResource]:
    while True:
        result = run_search(connection, request)
        yield from result.matches
        if result.next_cursor is None:
            return
        request = replace(request, cursor=result.next_cursor)


def _latest(matches: Iterator[StoredResource], most: int) -> Iterator[StoredResource]:
    groups: dict[str, int] = {}
    taken: Counter[int] = Counter()
    latest: dict[int, Any] = {}
    for number, stored in enumerate(matches):
        observation = parse_stored(stored.body or b"{}")
        names = _names(observation.get("code", {}))
        group = next((groups[name] for name in names if name in groups), number)
        groups.update((name, groups.get(name, group)) for name in names)
        moment = [
            observation.get(f"effective{one}")
            for one in ("DateTime", "Period", "Instant", "Timing")
        ]
        is_as_late = any(moment) and latest.get(group) == moment
        if taken[group] < most or is_as_late:
            taken[group] += 1
            latest[group] = moment
            yield stored


def _names(code: dict[str, Any]) -> list[str]:
    """By what a code is known: its codings, else its text."""
    codings = [
        f"{coding.get('system', '')}|{coding['code']}"
        for coding in code.get("coding", ())
        if "code" in coding
    ]
    return codings or [f"text {code.get('text', '')}"]
