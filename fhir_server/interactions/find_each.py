"""Many small searches at once, for code that has to know what is stored before it writes."""

from collections.abc import Sequence

from fhir_server.interactions.search_request import understand
from fhir_server.interactions.server import FhirServer
from fhir_server.search.match import match_each
from fhir_server.store.resources import StoredResource

MOST_MATCHES = 500


def find_each(
    server: FhirServer, searches: Sequence[tuple[str, Sequence[tuple[str, str]]]]
) -> list[list[StoredResource] | None]:
    """All current matches of each search, in the order of the searches.

    Shape: a search is a resource type and parameters; None where there are MOST_MATCHES or more. Matches
    of `_id` with `_elements=id` have no body: that they are there is all that was asked.
    Errors: Refused 400 for parameters that are none.
    Cost: one statement for all that ask for identifiers, one for all that ask for ids.
    """
    if not searches:
        return []
    with server.database.transaction() as connection:
        requests = [understand(server, connection, *search) for search in searches]
        found = match_each(connection, requests, MOST_MATCHES)
    return [matches if len(matches) < MOST_MATCHES else None for matches in found]
