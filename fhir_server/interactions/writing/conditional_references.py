"""Conditional references, `Patient?identifier=…`: resolved last, when the entries they may mean are written.

Source: FHIR R4 https://hl7.org/fhir/R4/http.html#trules (“conditional references”).
"""

import re
from collections.abc import Sequence

from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.criteria import match_one, parse_criteria
from fhir_server.interactions.writing.links import references, replace_links
from fhir_server.model.issues import Issue, Refused, error
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import Connection

_CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?(?P<query>.+)")


def has_conditional_references(change: Change) -> bool:
    """Whether a reference of the change is a search, in a Bundle (elsewhere there are none)."""
    return bool(change.at) and any(
        _split(link) is not None for _, link in references(change.resource, "")
    )


def resolve_conditional_references(
    server: FhirServer, connection: Connection, waiting: Sequence[Change], changes: Sequence[Change]
) -> None:
    """Replace every conditional reference by the one resource it matches.

    Shape: an entry whose own criteria are the same text is meant before the store is asked.
    Errors: Refused 412 where one matches nothing or several, one issue for each, naming the element.
    """
    entries = {
        c.criteria.text: c.reference for c in changes if c.criteria is not None and c.id is not None
    }
    found: dict[str, str] = {}
    faults: list[Issue] = []
    for change in waiting:
        for path, link in references(change.resource, change.expression()):
            if link in found or (parts := _split(link)) is None:
                continue
            try:
                criteria = parse_criteria(server, parts[0], parts[1], path)
                target = entries.get(criteria.text)
                if target is None:
                    match = match_one(connection, criteria, path)
                    target = f"{match.type}/{match.id}" if match else None
            except Refused as refused:
                faults.extend(refused.issues)
                continue
            if target is None:
                faults.append(error("conditional-reference-no-match", "not-found", path))
            else:
                found[link] = target
    if faults:
        raise Refused(412, faults)
    for change in waiting:
        assert change.resource is not None  # noqa: S101 — it has references
        change.resource = replace_links(change.resource, server.definitions.type_model, found.get)


def _split(link: str) -> tuple[str, str] | None:
    match = _CONDITIONAL.fullmatch(link)
    if match is None or match["type"] not in TYPE_NUMBERS:
        return None
    return match["type"], match["query"]
