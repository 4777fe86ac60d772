"""What a search asks for, by the search parameters in force."""

from collections.abc import Sequence

from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Issue, Refused, warning
from fhir_server.search.compartments import Compartment
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.request import SearchRequest, parse_search
from fhir_server.store.resources import Connection

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
) -> SearchRequest:
    """The request of a query. Before a parameter counts as unknown the store is asked for new ones.

    Errors: as `parse_search`.
    """

    def parse(parameters: SearchParameters) -> SearchRequest:
        return parse_search(
            parameters, resource_type, pairs,
            lenient=lenient, base_url=server.base_url, compartment=compartment,
            takes_contained=takes_contained,
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


def _names_unknown(issues: Sequence[Issue]) -> bool:
    return any(issue.id in _UNKNOWN for issue in issues)


def incomplete_parameter(code: str) -> Issue:
    """The warning that resources stored earlier are not found by a parameter yet."""
    return warning("search-parameter-incomplete", "incomplete", parameter=code)
