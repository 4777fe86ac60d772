"""A source text as validation reads it: as much as can be read, and the faults that were read past."""

from collections.abc import Iterable
from typing import Any, Literal

from fhir_server.model.issues import Issue
from fhir_server.model.json_source import JsonPositions, JsonSyntaxError, parse_json
from fhir_server.model.locations import Positions, fhir_path, need_positions, with_positions
from fhir_server.model.source_faults import SourceFault
from fhir_server.model.xml_source import Types, XmlDocument


class Reading:
    """What a text says: `value`, and `faults`, each with its place."""

    def __init__(
        self,
        value: Any,
        source: bytes,
        document: Positions | None = None,
        faults: Iterable[Issue] = (),
    ) -> None:
        self.value = value
        self.faults = tuple(faults)
        self._source = source
        self._document = document

    def located(self, issues: Iterable[Issue]) -> list[Issue]:
        """The faults of the text, then issues of what it says, with line and column."""
        found = list(issues)
        if need_positions(found):
            document = self._document or JsonPositions(self._source)
            found = with_positions(found, document)
        return [*self.faults, *found]


def read_leniently(source: bytes, kind: Literal["json", "xml"], types: Types) -> Reading:
    """Read a text for validation. Errors: JsonSyntaxError or XmlSyntaxError where nothing can be read."""
    if kind == "json":
        try:
            return Reading(parse_json(source), source)
        except JsonSyntaxError:
            document: JsonPositions | XmlDocument = JsonPositions(source, tolerant=True)
    else:
        document = XmlDocument(source, types, tolerant=True)
    in_order = sorted(document.faults, key=lambda fault: (fault.line, fault.column))
    faults = [_issue(fault, document.value, types) for fault in in_order]
    return Reading(document.value, source, document, faults)


def _issue(fault: SourceFault, value: Any, types: Types) -> Issue:
    code = "invalid" if fault.issue_id == "xml-order" else "structure"
    place = fhir_path(fault.path, value, types)
    return Issue(fault.issue_id, "error", code, place, {"reason": fault.reason}).at(
        fault.line, fault.column
    )
