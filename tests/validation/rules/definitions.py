"""Small definitions that the rules are tried on: profiles, extensions, questionnaires, code systems."""

from typing import Any

BASE = "https://osteon.example/fhir"
CORE = "http://hl7.org/fhir/StructureDefinition"
HEAD = {"url": f"{BASE}/x", "name": "X", "status": "draft"}

Resource = dict[str, Any]


def patient(**members: Any) -> Resource:
    """A Patient."""
    return {"resourceType": "Patient", **members}


def observation(**members: Any) -> Resource:
    """An Observation with what every Observation has."""
    return {"resourceType": "Observation", "status": "final", "code": {"text": "Pain"}, **members}


def profile(kind: str, *elements: Resource, name: str = "p", base: str | None = None) -> Resource:
    """A profile on a type by the elements of its differential."""
    return {
        "resourceType": "StructureDefinition", **HEAD, "url": url(name),
        "kind": "resource" if kind in {"Patient", "Observation", "Bundle"} else "complex-type",
        "abstract": False, "type": kind, "baseDefinition": base or f"{CORE}/{kind}",
        "derivation": "constraint",
        "differential": {"element": [{"id": one["path"], **one} for one in elements]},
    }  # fmt: skip


def extension(
    name: str, *elements: Resource, contexts: list[Resource] | None = None, **members: Any
) -> Resource:
    """The definition of an extension."""
    return {
        **profile("Extension", *elements, {"path": "Extension.url", "fixedUri": url(name)}, name=name),
        "context": contexts or [{"type": "element", "expression": "Patient"}], **members,
    }  # fmt: skip


def url(name: str) -> str:
    """The canonical of a definition made here."""
    return f"{BASE}/StructureDefinition/{name}"


def claiming(resource: Resource, *names: str) -> Resource:
    """The resource with profiles made here in `meta.profile`."""
    return {**resource, "meta": {"profile": [url(name) for name in names or ("p",)]}}


def bundle(kind: str, *resources: Resource, **members: Any) -> Resource:
    """A Bundle whose entries have a fullUrl each, `urn:uuid:…-0`, `…-1`, and so on."""
    entries = [{"fullUrl": urn(i), "resource": resource} for i, resource in enumerate(resources)]
    return {"resourceType": "Bundle", "type": kind, "entry": entries, **members}


def urn(number: int) -> str:
    """The fullUrl of an entry of `bundle`."""
    return f"urn:uuid:00000000-0000-4000-8000-{number:012}"


def questionnaire(*items: Resource) -> Resource:
    """A Questionnaire."""
    return {
        "resourceType": "Questionnaire", "url": f"{BASE}/Questionnaire/q", "status": "draft",
        "item": list(items),
    }  # fmt: skip


def response(*items: Resource, **members: Any) -> Resource:
    """A completed response to `questionnaire`."""
    return {
        "resourceType": "QuestionnaireResponse", "questionnaire": f"{BASE}/Questionnaire/q",
        "status": "completed", "item": list(items), **members,
    }  # fmt: skip


def answered(link_id: str, *answers: Resource) -> Resource:
    """An item of a response."""
    return {"linkId": link_id, "answer": list(answers)}
