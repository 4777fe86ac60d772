"""Patient/id/$everything and Patient/$everything: patients, what belongs to them, and what that refers to.

Source: https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from urllib.parse import quote, urlencode

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.read import read
from fhir_server.interactions.search_type import searchset
from fhir_server.interactions.server import FhirServer
from fhir_server.model.dates import EARLIEST, LATEST, InstantRange, as_meant, instant_range
from fhir_server.model.issues import refuse
from fhir_server.search.compartments import in_any_compartment
from fhir_server.search.predicates import AllOf, Dated, Predicate
from fhir_server.search.request import MAX_COUNT, SearchRequest, parse_search
from fhir_server.search.run import run_search
from fhir_server.store.resource_types import RESOURCE_TYPES
from fhir_server.store.resources import Connection

PARAMETERS = ("_count", "_since", "_type", "start", "end", "_cursor")
_OWN = frozenset({"start", "end"})
"""Those that no search has."""

CARE_DATES = frozenset({
    "authored", "authored-on", "authoredon", "collected", "created", "date", "datetime", "datewritten",
    "effective", "effective-time", "event-date", "identified", "issued", "occurrence", "onset", "onset-date",
    "period", "received", "recorded-date", "sent", "start-date", "started", "whenhandedover", "whenprepared",
})  # fmt: skip
"""Codes of the search parameters by the dates of care; not those of a person's life or of a record."""


def everything(
    server: FhirServer,
    connection: Connection,
    patient_id: str | None,
    pairs: Sequence[tuple[str, str]],
    format_pairs: Sequence[tuple[str, str]] = (),
) -> Answer:
    """A page of the compartment of a patient, or with None of all patients, as a searchset Bundle.

    Shape: `_since` by the time of the last change, `start` and `end` by the dates of care (what has none
    comes along), `_type` narrows the types, `_count` sizes the pages; with `_type` only what is of these
    types comes, without it also what the compartment refers to. The links repeat `format_pairs`.
    Errors: Refused 404 or 410 for the patient, 400 for a parameter that is unknown or malformed.
    """
    if patient_id is not None:
        read(connection, "Patient", patient_id)
    given = dict(pairs)
    unknown = next((name for name in given if name not in PARAMETERS), None)
    if unknown is not None or len(given) != len(pairs):
        name = (unknown or _repeated(pairs))[:64]
        raise refuse(400, "operation-parameter-unknown", "not-supported", f"http.{name}",
                     name=name, allowed=", ".join(PARAMETERS[:-1]))  # fmt: skip
    request = _request(server, patient_id, given)
    result = run_search(connection, request)
    place = "Patient" if patient_id is None else f"Patient/{patient_id}"
    base = f"{server.base_url}/{place}/$everything"
    kept = [*(pair for pair in pairs if pair[0] != "_cursor"), *format_pairs]
    links = [{"relation": "self", "url": _url(base, [*pairs, *format_pairs])}]
    if result.next_cursor is not None:
        links.append(
            {"relation": "next", "url": _url(base, [*kept, ("_cursor", result.next_cursor)])}
        )
    return Answer(200, body=searchset(server, request, result, links))


def _request(server: FhirServer, patient_id: str | None, given: Mapping[str, str]) -> SearchRequest:
    asked = [("_count", given.get("_count", str(MAX_COUNT)))]
    if "_since" in given:
        asked.append(("_lastUpdated", "ge" + as_meant(given["_since"])))
    asked += [(name, given[name]) for name in ("_type", "_cursor") if name in given]
    if "_type" not in given:
        asked.append(("_include", "*"))
    request = parse_search(
        server.parameters, None, asked, lenient=False, base_url=server.base_url,
        compartment=None if patient_id is None else ("Patient", patient_id),
    )  # fmt: skip
    types = request.types or RESOURCE_TYPES
    also: list[Predicate] = []
    if patient_id is None:
        also.append(in_any_compartment(server.parameters, types, "Patient"))
    if _OWN & given.keys():
        also.append(_dated(server, types, given))
    # A cursor is bound to the pairs: to these too, though no search takes them.
    own = tuple(pair for pair in given.items() if pair[0] in _OWN)
    predicate = AllOf((*request.predicate.predicates, *also))
    return replace(request, predicate=predicate, pairs=(*request.pairs, *own))


def _repeated(pairs: Sequence[tuple[str, str]]) -> str:
    return Counter(name for name, _ in pairs).most_common(1)[0][0]


def _dated(server: FhirServer, types: Sequence[str], given: Mapping[str, str]) -> Dated:
    numbers = tuple(
        parameter.hash
        for name in types
        for code, parameter in server.parameters.of(name).items()
        if parameter.type == "date" and code in CARE_DATES
    )
    low = _range(given, "start").low if "start" in given else EARLIEST
    high = _range(given, "end").high if "end" in given else LATEST
    return Dated(numbers, low, high)


def _range(given: Mapping[str, str], name: str) -> InstantRange:
    try:
        return instant_range(as_meant(given[name].strip()), UTC)
    except ValueError:
        raise refuse(
            400,
            "operation-parameter-value",
            "value",
            f"http.{name}",
            name=name,
            expected="2024, 2024-05, 2024-05-31",
        ) from None


def _url(base: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{base}?{urlencode(pairs, quote_via=quote, safe=':,')}" if pairs else base
