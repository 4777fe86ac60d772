"""What a search asks for, by the search parameters in force."""

import re
from collections.abc import Sequence

from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.terminology import StoreLayer
from fhir_server.model.issues import Issue, Refused, warning
from fhir_server.search.compartments import Compartment
from fhir_server.search.criteria import NO_VALUE_SETS, ValueSets
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.request import SearchRequest, parse_search
from fhir_server.store.resources import Connection

_OF_CODES = re.compile(r":(?:in|not-in|above|below)$")
_UNKNOWN = frozenset(
    {"search-parameter-unknown", "search-parameter-not-common", "search-sort-unsupported"}
)


def understand(
    server: FhirServer,
    connection: Connection,
    resource_type: str | None,
    pairs: Sequence[tuple[str, str]],
    *,
    lenient: bool = False,
    compartment: Compartment | None = None,
    takes_contained: bool = False,
    ignores_empty: bool = False,
) -> SearchRequest:
    """The request of a query. Before a parameter counts as unknown the store is asked for new ones.

    Errors: as `parse_search`.
    """
    values = _value_sets(server, connection, pairs)

    def parse(parameters: SearchParameters) -> SearchRequest:
        return parse_search(
            parameters, resource_type, pairs,
            lenient=lenient, base_url=server.base_url, compartment=compartment,
            takes_contained=takes_contained, ignores_empty=ignores_empty, values=values,
        )  # fmt: skip

    search = server.search.refresh(connection)
    try:
        request = parse(search.parameters)
        issues: Sequence[Issue] = request.dropped
    except Refused as refused:
        issues = refused.issues
        if not _names_unknown(issues) or server.search.refresh(connection, max_age_s=0) is search:
            raise
        return parse(server.parameters)
    if _names_unknown(issues) and server.search.refresh(connection, max_age_s=0) is not search:
        return parse(server.parameters)
    return request


def _value_sets(
    server: FhirServer, connection: Connection, pairs: Sequence[tuple[str, str]]
) -> ValueSets:
    """Those stored here too, where a parameter asks for them."""
    if not any(_OF_CODES.search(name) or name == "_filter" for name, _ in pairs):
        return NO_VALUE_SETS
    layer = StoreLayer(server, connection)
    return ValueSets(server.terminology.backed(layer), layer.stored_value_set)


def _names_unknown(issues: Sequence[Issue]) -> bool:
    return any(issue.id in _UNKNOWN for issue in issues)


def incomplete_parameter(code: str) -> Issue:
    """The warning that resources stored earlier are not found by a parameter yet."""
    return warning("search-parameter-incomplete", "incomplete", parameter=code)
