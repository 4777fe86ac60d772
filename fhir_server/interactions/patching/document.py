"""A patch as it was sent, of whichever kind, and the resource it makes of another.

Source: FHIR R4 https://hl7.org/fhir/R4/http.html#patch; in a Bundle, JSON and XML Patch travel as Binary:
https://hl7.org/fhir/R4/http.html#patch (batch and transaction)
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from fhir_server.interactions.patching.fhirpath_patch import FHIRPathPatch, parse_fhirpath_patch
from fhir_server.interactions.patching.json_patch import apply_json_patch, check_json_patch
from fhir_server.interactions.patching.xml_patch import apply_xml_patch, parse_xml_patch
from fhir_server.interactions.server import FhirServer
from fhir_server.model.issues import Issue, Refused, refuse
from fhir_server.model.json_source import JsonSyntaxError, parse_json
from fhir_server.model.xml_source import XmlSyntaxError, parse_xml
from fhir_server.model.xml_writer import write_xml

JSON_PATCH = "application/json-patch+json"
XML_PATCH = "application/xml-patch+xml"

Patch = Callable[[dict[str, Any]], Any]
"""Gives the patched copy of a resource. Errors: Refused 400 or 422."""


def read_patch(server: FhirServer, media_type: str, content: bytes) -> Patch:
    """A JSON or XML Patch from its text. Errors: Refused 400 (no patch), 415 (another kind)."""
    if media_type == JSON_PATCH:
        return json_patch(content)
    if media_type == XML_PATCH:
        return xml_patch(server, content)
    raise refuse(415, "patch-media-type", "not-supported")


def json_patch(content: bytes) -> Patch:
    """Errors: Refused 400."""
    try:
        operations = parse_json(content)
    except JsonSyntaxError as fault:
        issue = Issue(fault.issue_id, "error", "structure", parameters={"reason": fault.reason})
        raise Refused(400, [issue.at(fault.line, fault.column)]) from None
    check_json_patch(operations)
    return lambda resource: apply_json_patch(resource, operations)


def xml_patch(server: FhirServer, content: bytes) -> Patch:
    """Errors: Refused 400."""
    operations = parse_xml_patch(content)
    types = server.definitions.type_model

    def apply(resource: dict[str, Any]) -> Any:
        patched = apply_xml_patch(write_xml(resource, types), operations)
        try:
            return parse_xml(patched, types)
        except XmlSyntaxError as fault:
            raise refuse(422, fault.issue_id, "structure", reason=fault.reason) from None

    return apply


def fhirpath_patch(server: FhirServer, parameters: Any, at: str = "Parameters") -> Patch:
    """Errors: Refused 400."""
    operations = parse_fhirpath_patch(parameters, at)
    patch = FHIRPathPatch(server.definitions.type_model, server.fhirpath)
    return lambda resource: patch.apply(resource, operations)


def patch_of_entry(server: FhirServer, resource: Any, at: str) -> Patch:
    """The patch of a Bundle's entry: Parameters, or a Binary with a JSON or XML Patch."""
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    if kind == "Parameters":
        return fhirpath_patch(server, resource, at)
    if kind != "Binary":
        raise refuse(400, "patch-entry", "structure", at)
    try:
        content = base64.b64decode(str(resource.get("data", "")), validate=True)
    except (binascii.Error, ValueError):
        raise refuse(400, "patch-entry", "structure", f"{at}.data") from None
    media_type = str(resource.get("contentType", "")).partition(";")[0].strip().lower()
    return read_patch(server, media_type, content)
