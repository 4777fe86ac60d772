"""$subsumes: how two codes of a system stand to each other.

Source: https://hl7.org/fhir/R4/codesystem-operation-subsumes.html
"""

from typing import Any, Literal

from fhir_server.model.issues import refuse
from fhir_server.terminology.code_system import CodeSystem
from fhir_server.terminology.operations.parameters import (
    Coding,
    OperationParameters,
    Resource,
    missing,
    parameters,
)
from fhir_server.terminology.operations.subjects import (
    code_system_of,
    concept_of,
    versioned,
)
from fhir_server.terminology.terminology import Terminology

TAKES = frozenset({"codeA", "codeB", "system", "version", "codingA", "codingB"})
Outcome = Literal["equivalent", "subsumes", "subsumed-by", "not-subsumed"]


def subsumes(terminology: Terminology, content: Any, instance: Resource | None = None) -> Resource:
    """Whether code A is above code B, below it, the same, or neither.

    Shape: Parameters in, Parameters with `outcome` out; `instance` is the CodeSystem of the call.
    Errors: Refused 400 for codes of two systems, 404 for what is not known, 422 for codes that are each
    above the other.
    """
    asked = OperationParameters(content, TAKES)
    first, second = _coding(asked, "A", instance), _coding(asked, "B", instance)
    if first.system != second.system:
        raise refuse(400, "subsumes-two-systems", "invalid",
                     first=first.system or "", second=second.system or "")  # fmt: skip
    system = (
        CodeSystem(instance)
        if instance is not None
        else code_system_of(terminology, first.canonical or "")
    )
    outcome = relation(
        system, concept_of(system, first.code).code, concept_of(system, second.code).code
    )
    return parameters(("outcome", "Code", outcome))


def relation(system: CodeSystem, first: str, second: str) -> Outcome:
    """How two codes that the system has stand to each other. Errors: Refused 422."""
    if first == second:
        return "equivalent"
    is_below = second in system.ancestors(first)
    is_above = first in system.ancestors(second)
    if is_below and is_above:
        raise refuse(422, "hierarchy-circular", "invalid", concept=first, system=system.url)
    if is_above:
        return "subsumes"
    return "subsumed-by" if is_below else "not-subsumed"


def _coding(asked: OperationParameters, side: str, instance: Resource | None) -> Coding:
    whole = asked.coding(f"coding{side}")
    code = asked.text(f"code{side}")
    url = asked.text("system") or (instance.get("url") if instance else None)
    found = whole or (Coding(code, url, asked.text("version")) if code else None)
    if found is None:
        raise missing(f"code{side}", f"coding{side}")
    if found.system is None:
        raise missing("system")
    if instance is not None and found.system != instance.get("url"):
        raise refuse(400, "subsumes-two-systems", "invalid", first=found.system,
                     second=versioned(str(instance.get("url")), None))  # fmt: skip
    return found
