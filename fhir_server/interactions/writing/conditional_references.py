"""Conditional references, `Patient?identifier=…`: resolved last, when the entries they may mean are written.

Source: FHIR R4 https://hl7.org/fhir/R4/http.html#trules (“conditional references”).
"""

import re
from collections.abc import Sequence

from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change, Criteria
from fhir_server.interactions.writing.criteria import parse_criteria
from fhir_server.interactions.writing.links import REFERENCE, Link, rewrite_links
from fhir_server.model.issues import Issue, Refused, error
from fhir_server.search.match import match_each
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.resources import Connection

_CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?(?P<query>.+)")


def has_conditional_references(change: Change) -> bool:
    """Whether a reference of the change is a search."""
    return any(_split(link) is not None for link in change.links)


def resolve_conditional_references(
    server: FhirServer, connection: Connection, waiting: Sequence[Change], changes: Sequence[Change]
) -> None:
    """Replace every conditional reference by the one resource it matches.

    Shape: an entry whose own criteria are the same text is meant before the store is asked.
    Errors: Refused 400 for criteria that are none, 412 where one matches nothing or several; one issue
    for each, naming the element.
    Cost: that of `match_each`.
    """
    entries = {
        c.criteria.text: c.reference for c in changes if c.criteria is not None and c.id is not None
    }
    asked = _asked(server, waiting)
    targets = {
        link: entries[criteria.text]
        for link, (_, criteria) in asked.items()
        if criteria.text in entries
    }
    unknown = [link for link in asked if link not in targets]
    matches = match_each(connection, [asked[link][1].request for link in unknown])
    faults: list[Issue] = []
    for link, found in zip(unknown, matches, strict=True):
        path = asked[link][0]
        if len(found) == 1:
            targets[link] = f"{found[0].type}/{found[0].id}"
        elif found:
            faults.append(error("criteria-multiple-matches", "multiple-matches", path))
        else:
            faults.append(error("conditional-reference-no-match", "not-found", path))
    if faults:
        raise Refused(412, faults)
    for change in waiting:
        assert change.resource is not None  # noqa: S101 — it has references
        change.resource, change.links = rewrite_links(change.resource, change.links, targets.get)


def _asked(server: FhirServer, waiting: Sequence[Change]) -> dict[str, tuple[str, Criteria]]:
    """Each conditional reference with the FHIRPath of its first place and its criteria."""
    asked: dict[str, tuple[str, Criteria]] = {}
    faults: list[Issue] = []
    for change in waiting:
        for link in change.links:
            if link.text in asked or (parts := _split(link)) is None:
                continue
            path = link.path(change.expression())
            try:
                asked[link.text] = (path, parse_criteria(server, *parts, path))
            except Refused as refused:
                faults.extend(refused.issues)
    if faults:
        raise Refused(400, faults)
    return asked


def _split(link: Link) -> tuple[str, str] | None:
    if link.type != REFERENCE or "?" not in link.text:
        return None
    match = _CONDITIONAL.fullmatch(link.text)
    if match is None or match["type"] not in TYPE_NUMBERS:
        return None
    return match["type"], match["query"]
