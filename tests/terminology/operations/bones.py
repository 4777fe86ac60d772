"""A small invented terminology of bones, and calls on it."""

from typing import Any

from fhir_server.definitions import core_definitions
from fhir_server.terminology import Terminology

SYSTEM = "http://example.org/bones"
ALL = "http://example.org/vs/all"

CODE_SYSTEM: dict[str, Any] = {
    "resourceType": "CodeSystem", "id": "bones", "url": SYSTEM, "version": "2", "name": "Bones",
    "status": "active", "content": "complete", "caseSensitive": True,
    "property": [{"code": "notSelectable", "type": "boolean"}, {"code": "status", "type": "code"},
                 {"code": "kind", "type": "string"}],
    "concept": [
        {"code": "limb", "display": "Limb", "property": [{"code": "notSelectable", "valueBoolean": True}],
         "concept": [
             {"code": "femur", "display": "Femur", "definition": "The bone of the thigh.",
              "designation": [{"language": "fr", "value": "Fémur"}],
              "property": [{"code": "kind", "valueString": "long"}]},
             {"code": "tibia", "display": "Tibia"},
             {"code": "shin", "display": "Shin bone",
              "property": [{"code": "status", "valueCode": "retired"}]},
         ]},
        {"code": "pelvis", "display": "Pelvis", "concept": [{"code": "ilium", "display": "Ilium"}]},
    ],
}  # fmt: skip


def value_set(url: str, *includes: dict[str, Any], **more: Any) -> dict[str, Any]:
    compose = {"include": list(includes), **more}
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": compose}


def terminology(*resources: dict[str, Any]) -> Terminology:
    whole = value_set(ALL, {"system": SYSTEM})
    return Terminology(core_definitions().layered([CODE_SYSTEM, whole, *resources]))


def call(**values: Any) -> dict[str, Any]:
    """Parameters as a GET gives them, save what is a structure."""
    entries = []
    for name, value in values.items():
        if isinstance(value, dict) and "resourceType" in value:
            entries.append({"name": name, "resource": value})
        elif isinstance(value, dict):
            kind = "valueCodeableConcept" if "coding" in value else "valueCoding"
            entries.append({"name": name, kind: value})
        else:
            entries.append({"name": name, "valueString": str(value)})
    return {"resourceType": "Parameters", "parameter": entries}


def answers(result: dict[str, Any]) -> dict[str, Any]:
    """The values of a Parameters resource by name."""
    return {
        entry["name"]: next((v for k, v in entry.items() if k.startswith("value")), entry)
        for entry in result["parameter"]
    }
