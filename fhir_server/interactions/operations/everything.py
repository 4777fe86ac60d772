"""Patient/id/$everything: the patient, what belongs to it, and what that refers to, in pages.

Source: https://hl7.org/fhir/R4/patient-operation-everything.html
"""

from collections.abc import Sequence
from urllib.parse import quote, urlencode

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.read import read
from fhir_server.interactions.search_type import searchset
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import refuse
from fhir_server.search.request import MAX_COUNT, parse_search
from fhir_server.search.run import run_search
from fhir_server.store.resources import Connection

PARAMETERS = ("_count", "_since", "_type", "_cursor")


def everything(
    server: FhirServer, connection: Connection, patient_id: str, pairs: Sequence[tuple[str, str]]
) -> Answer:
    """A page of the patient's compartment as a searchset Bundle.

    Shape: `_since` by the time of the last change, `_type` narrows the types, `_count` sizes the pages;
    with `_type` only what is of these types comes, without it also what the compartment refers to.
    Errors: Refused 404 or 410 for the patient, 400 for a parameter that is unknown or malformed.
    """
    read(connection, "Patient", patient_id)
    given = dict(pairs)
    unknown = next((name for name in given if name not in PARAMETERS), None)
    if unknown is not None or len(given) != len(pairs):
        raise refuse(400, "operation-parameter-unknown", "not-supported",
                     name=(unknown or pairs[0][0])[:64], allowed=", ".join(PARAMETERS[:-1]))  # fmt: skip
    asked = [("_count", given.get("_count", str(MAX_COUNT)))]
    if "_since" in given:
        asked.append(("_lastUpdated", "ge" + given["_since"].replace(" ", "+")))
    asked += [(name, given[name]) for name in ("_type", "_cursor") if name in given]
    if "_type" not in given:
        asked.append(("_include", "*"))
    request = parse_search(
        server.parameters, None, asked, lenient=False, base_url=server.base_url,
        compartment=("Patient", patient_id),
    )  # fmt: skip
    result = run_search(connection, request)
    base = f"{server.base_url}/Patient/{patient_id}/$everything"
    kept = [pair for pair in pairs if pair[0] != "_cursor"]
    links = [{"relation": "self", "url": _url(base, pairs)}]
    if result.next_cursor is not None:
        links.append(
            {"relation": "next", "url": _url(base, [*kept, ("_cursor", result.next_cursor)])}
        )
    return Answer(200, body=searchset(server, request, result, links))


def _url(base: str, pairs: Sequence[tuple[str, str]]) -> str:
    return f"{base}?{urlencode(pairs, quote_via=quote, safe=':,')}" if pairs else base
