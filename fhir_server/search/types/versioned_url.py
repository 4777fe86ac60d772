"""`url=http://…|1.0`: a definition by its own URL and version, which stand apart in it.

Source: FHIR R4 §3.1.1.4.9, https://hl7.org/fhir/R4/search.html#uri
"""

from dataclasses import replace

from fhir_server.search.criteria import Criterion
from fhir_server.search.parameters import SearchParameters
from fhir_server.search.predicates import AllOf, AnyOf, Predicate
from fhir_server.search.types import token, uri


def predicate(criterion: Criterion, parameters: SearchParameters) -> Predicate:
    """The URL as it stands, or its parts by `url` and `version`. Errors: Refused(400)."""
    urls = tuple(one for one in criterion.parameters if one.type == "uri")
    each = (parameters.find(one.resource_type, "version") for one in urls)
    versions = tuple(one for one in each if one is not None)
    choices: list[Predicate] = []
    for value in criterion.values:
        asked = replace(criterion, parameters=urls)
        choices.append(uri.predicate(asked.asking(None, value)))
        url, _, version = value.rpartition("|")
        if url and version and versions and not url.endswith("\\"):
            of_version = replace(criterion, parameters=versions).asking(None, version)
            parts = (uri.predicate(asked.asking(None, url)), token.predicate(of_version))
            choices.append(AllOf(parts))
    return choices[0] if len(choices) == 1 else AnyOf(tuple(choices))
