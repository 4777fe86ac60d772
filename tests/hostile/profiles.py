"""Profiles to be loaded by the tests of hostile input."""

from typing import Any

CORE = "http://hl7.org/fhir/StructureDefinition/"


def profile(name: str, *elements: dict[str, Any], base: str = CORE + "Patient", kind: str = "resource",
            type_name: str = "Patient") -> dict[str, Any]:  # fmt: skip
    """A profile with a differential."""
    return {
        "resourceType": "StructureDefinition", "url": f"http://example.org/{name}", "name": "P",
        "status": "draft", "kind": kind, "abstract": False, "type": type_name, "baseDefinition": base,
        "derivation": "constraint", "differential": {"element": list(elements)},
    }  # fmt: skip


def constraint(expression: str, key: str = "h-1") -> dict[str, Any]:
    """The root of a profile of Patient with an invariant."""
    return {
        "id": "Patient", "path": "Patient",
        "constraint": [{"key": key, "severity": "error", "human": "x", "expression": expression}],
    }  # fmt: skip


def claiming(name: str, /, **members: Any) -> dict[str, Any]:
    """A Patient that claims a profile."""
    return {
        "resourceType": "Patient",
        "meta": {"profile": [f"http://example.org/{name}"]},
        **members,
    }
