"""A StructureDefinition with its snapshot, as `$snapshot` and `osteon snapshot` give it.

Source: FHIR R4 https://hl7.org/fhir/R4/structuredefinition-operation-snapshot.html
"""

from typing import Any

from fhir_server.definitions import Definitions
from fhir_server.validation.snapshot.faults import SnapshotError, author_faults, url_of
from fhir_server.validation.snapshot.generator import SnapshotGenerator


def completed(structure: Any, definitions: Definitions) -> dict[str, Any]:
    """A StructureDefinition with the snapshot generated from its differential; one that has none of these
    keeps the snapshot it brings.

    Errors: SnapshotError for what is no StructureDefinition, and for every fault of the profile.
    """
    if not isinstance(structure, dict) or structure.get("resourceType") != "StructureDefinition":
        raise SnapshotError("snapshot-no-profile")
    with author_faults(url_of(structure)):
        generator = SnapshotGenerator(definitions)
        generator.check_shape(structure)
        has_differential = bool(structure.get("differential", {}).get("element"))
        elements = (
            generator.generate(structure) if has_differential else generator.snapshot(structure)
        )
    return _before_differential(structure, [_defined(element) for element in elements])


def _defined(element: dict[str, Any]) -> dict[str, Any]:
    """The element with a definition, which each one of a snapshot must have (sdf-3): the definitions of R4
    are held with their short texts only.
    """
    if "definition" in element:
        return element
    return {**element, "definition": element.get("short", element["path"])}


def _before_differential(
    structure: dict[str, Any], elements: list[dict[str, Any]]
) -> dict[str, Any]:
    """The members in the order of the definition: the snapshot stands before the differential."""
    found = {name: value for name, value in structure.items() if name != "snapshot"}
    differential = found.pop("differential", None)
    found["snapshot"] = {"element": elements}
    if differential is not None:
        found["differential"] = differential
    return found
