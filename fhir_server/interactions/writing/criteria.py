"""Search criteria of conditional interactions and references: parsed strictly, matched, locked."""

import re
from collections.abc import Sequence
from urllib.parse import unquote

from msgspec import structs

from fhir_server.interactions.query import query_pairs
from fhir_server.interactions.search_request import understand
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Criteria
from fhir_server.model.issues import Refused, error, refuse
from fhir_server.search.criteria import Criterion, Setting
from fhir_server.search.predicates import AllOf
from fhir_server.search.request import SearchRequest, parse_search
from fhir_server.search.types.token import has_token
from fhir_server.store.keys import hash64
from fhir_server.store.resources import StoredResource

_NO_CRITERIA = frozenset({"_count", "_sort", "_summary", "_elements", "_include", "_revinclude",
                          "_total", "_format", "_pretty"})  # fmt: skip


# Nothing in it is encoded, escaped, or one of several values.
_PLAIN_TOKEN = re.compile(
    r"(?P<code>[a-z][A-Za-z-]*)=(?P<value>[\w:/.#-]*\|[\w:/.#-]+|[\w:/.#-]+)", re.ASCII
)
# Names of parameters have no question mark before their values.
_PLACE = re.compile(r"([^=?&]*)\?")
_NO_SETTING = Setting()


def parse_criteria(server: FhirServer, resource_type: str, query: str, expression: str) -> Criteria:
    """The criteria of a query string, also where it comes with what stands before it in a URL of this server.

    Errors: Refused 400 for criteria that are empty, unknown, malformed or of another URL: a condition that
    were dropped in silence would match too much.
    Source: https://hl7.org/fhir/R4/http.html#ccreate (the value is the query alone)
    """
    query = _query_of(query, resource_type, server.base_url, expression)
    plain = _plain_token(server, resource_type, query)
    if plain is not None:
        return plain
    pairs = query_pairs(query, expression)
    used = [pair for pair in pairs if pair[0].split(":")[0] not in _NO_CRITERIA]
    if not used or any(not value for _, value in used):
        raise refuse(400, "criteria-empty", "required", expression, criteria=resource_type)
    try:
        request = _understood(server, resource_type, used)
    except Refused as refused:
        issues = [
            error("criteria-invalid", issue.code, expression, reason=issue)
            for issue in refused.issues
        ]
        causes = [structs.replace(issue, expression=expression) for issue in refused.issues]
        raise Refused(400, [*issues, *causes]) from None
    if request.incomplete:
        raise refuse(412, "criteria-incomplete", "incomplete", expression,
                     parameter=", ".join(request.incomplete))  # fmt: skip
    text = (
        resource_type + "?" + "&".join(sorted(f"{name}={unquote(value)}" for name, value in used))
    )
    return Criteria(text, request)


def _query_of(text: str, resource_type: str, base_url: str, expression: str) -> str:
    """What follows the `?`. Errors: Refused 400 where something else than `[base]/Type` stands before it."""
    place = _PLACE.match(text)
    if place is None:
        return text
    if place[1].removeprefix(f"{base_url}/") not in {"", resource_type}:
        raise refuse(400, "criteria-elsewhere", "value", expression, type=resource_type)
    return text[place.end() :]


def _plain_token(server: FhirServer, resource_type: str, query: str) -> Criteria | None:
    """The criteria of a query that is one token, as nearly all are; None for any other.

    Shape: what `parse_search` would make of it, in a fifth of the time.
    """
    match = _PLAIN_TOKEN.fullmatch(query)
    parameter = server.parameters.find(resource_type, match["code"]) if match else None
    if match is None or parameter is None or parameter.type != "token" or not parameter.is_complete:
        return None
    code, value = match["code"], match["value"]
    criterion = Criterion(code, (parameter,), None, (value,), _NO_SETTING)
    predicate = AllOf((has_token(criterion, criterion.hashes),))
    request = SearchRequest((resource_type,), predicate, pairs=((code, value),))
    return Criteria(f"{resource_type}?{query}", request)


def _understood(
    server: FhirServer, resource_type: str, pairs: Sequence[tuple[str, str]]
) -> SearchRequest:
    known = server.parameters
    try:
        return parse_search(known, resource_type, pairs, lenient=False, base_url=server.base_url)
    except Refused:
        with server.database.connection() as connection:
            if server.search.refresh(connection, max_age_s=0).parameters is known:
                raise
            return understand(server, connection, resource_type, pairs)


def criteria_lock(criteria: Criteria) -> int:
    """The advisory lock that writers with equal criteria share."""
    return hash64(criteria.text)


def only_match(found: Sequence[StoredResource], expression: str) -> StoredResource | None:
    """The one resource that criteria match, or None.

    Errors: Refused 412 where several match.
    """
    if len(found) > 1:
        raise refuse(412, "criteria-multiple-matches", "multiple-matches", expression)
    return found[0] if found else None
