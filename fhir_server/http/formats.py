"""The two formats of a resource, JSON and XML: which one a request is in, which one its answer takes.

Source: FHIR R4 §3.1.0.1.11 https://hl7.org/fhir/R4/http.html#mime-type
"""

import re
from collections.abc import Mapping
from typing import Any, Literal

from fhir_server.definitions import TypeModel
from fhir_server.model.issues import Issue, Refused, Severity, refuse
from fhir_server.model.json_source import (
    JsonPositions,
    JsonSyntaxError,
    parse_json,
    parse_stored,
    pretty_json,
)
from fhir_server.model.locations import Positions
from fhir_server.model.negotiation import preferred
from fhir_server.model.null_characters import null_character_in
from fhir_server.model.reading import Reading, read_leniently
from fhir_server.model.xml_source import XmlDocument, XmlSyntaxError
from fhir_server.model.xml_writer import write_xml

Format = Literal["json", "xml"]

JSON = "application/fhir+json"
XML = "application/fhir+xml"
FORMATS: Mapping[str, Format] = {
    JSON: "json", "application/json": "json", "application/json+fhir": "json", "text/json": "json",
    XML: "xml", "application/xml": "xml", "application/xml+fhir": "xml", "text/xml": "xml",
}  # fmt: skip
"""The media types that are understood; those without `fhir` are what other software calls the same."""

# A browser that asks for a page is shown JSON.
_OFFERS = (*FORMATS, "text/html")
_WORDS: Mapping[str, Format] = {**FORMATS, "json": "json", "xml": "xml"}


def format_of_content(content_type: str) -> Format | None:
    """The format of a body by its media type; JSON where none is named, None for another one."""
    media_type = media_type_of(content_type)
    return FORMATS.get(media_type) if media_type else "json"


_OTHER_VERSION = re.compile(r';\s*fhirversion\s*=(?!\s*"?4\.0(\.1)?"?\s*(;|$))', re.IGNORECASE)
_OTHER_CHARSET = re.compile(r';\s*charset\s*=(?!\s*"?(utf-?8|us-ascii)"?\s*(;|$))', re.IGNORECASE)


def is_of_another_version(media_type: str) -> bool:
    """Whether a media type names a version of FHIR that is not R4.

    Source: https://hl7.org/fhir/R4/http.html#version-parameter
    """
    return _OTHER_VERSION.search(media_type) is not None


def check_content_parameters(content_type: str) -> None:
    """Errors: Refused 415 for a body in another version of FHIR or another encoding than UTF-8."""
    if is_of_another_version(content_type):
        raise refuse(415, "fhir-version-not-supported", "not-supported")
    if _OTHER_CHARSET.search(content_type):
        raise refuse(415, "charset-not-supported", "not-supported")


def media_type_of(header: str) -> str:
    """The media type of a header, in lower case, without parameters."""
    return header.partition(";")[0].strip().lower()


def acceptable_format(asked: str | None, accept: str | None, content_type: str) -> Format | None:
    """The format of an answer: by `_format`, else by Accept, else that of the request.

    Shape: None where the client takes neither.
    """
    if asked is not None:
        if is_of_another_version(asked):
            return None
        # In a URL an unescaped “+” has become a space.
        return _WORDS.get(media_type_of(asked).replace(" ", "+"))
    if accept is None or not accept.strip():
        return FORMATS.get(media_type_of(content_type), "json")
    ranges = [part for part in accept.split(",") if not is_of_another_version(part)]
    offer = preferred(",".join(ranges), _OFFERS) if ranges else None
    return None if offer is None else FORMATS.get(offer, "json")


def read_source(source: bytes, kind: Format, types: TypeModel) -> Any:
    """The resource that a text says. Errors: Refused 400, with line and column."""
    try:
        value = parse_json(source) if kind == "json" else XmlDocument(source, types).value
    except (JsonSyntaxError, XmlSyntaxError) as fault:
        raise _refused(fault) from None
    if b"\\u0000" in source:
        place = null_character_in(value)
        if place is not None:
            raise refuse(400, "json-null-character", "value", place)
    return value


def read_for_validation(source: bytes, kind: Format, types: TypeModel) -> Reading:
    """What a text says, and the faults that can be read past. Errors: Refused 400, with line and column."""
    try:
        return read_leniently(source, kind, types)
    except (JsonSyntaxError, XmlSyntaxError) as fault:
        # Nothing of it can be judged: that is what fatal means.
        raise _refused(fault, "fatal") from None


def _refused(fault: JsonSyntaxError | XmlSyntaxError, severity: Severity = "error") -> Refused:
    issue = Issue(fault.issue_id, severity, "structure", parameters={"reason": fault.reason})
    return Refused(400, [issue.at(fault.line, fault.column)])


def positions_in(source: bytes, kind: Format, types: TypeModel) -> Positions | None:
    """Where the parts of a text stand; None where it cannot be read."""
    try:
        return JsonPositions(source) if kind == "json" else XmlDocument(source, types)
    except (JsonSyntaxError, XmlSyntaxError):
        return None


def written(body: bytes, kind: Format, types: TypeModel, *, pretty: bool) -> bytes:
    """JSON bytes, as the store holds them, in the format of the answer."""
    if kind == "json" and not pretty:
        return body
    value = parse_stored(body)
    return write_xml(value, types, pretty=pretty) if kind == "xml" else pretty_json(value)


def not_acceptable() -> Refused:
    """The refusal of a format that is neither JSON nor XML."""
    return refuse(406, "format-not-acceptable", "not-supported")
