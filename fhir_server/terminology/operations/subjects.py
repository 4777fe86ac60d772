"""What an operation is about: a value set, a code system or a concept, found or refused with its reason."""

from fhir_server.model.issues import refuse
from fhir_server.terminology.code_system import CodeSystem, Concept
from fhir_server.terminology.operations.contexts import canonical_of_context
from fhir_server.terminology.operations.parameters import (
    Coding,
    OperationParameters,
    Resource,
    missing,
)
from fhir_server.terminology.terminology import Terminology


def versioned(url: str, version: str | None) -> str:
    """The canonical of a url, with a version where one is asked for."""
    return f"{url}|{version}" if version else url


def value_set_of(
    terminology: Terminology, asked: OperationParameters, instance: Resource | None
) -> Resource:
    """The value set of the call: the instance, one sent along, one by url, or that of a context.

    Shape: an implicit value set (`…?fhir_vs`) comes as a resource that composes it.
    Errors: Refused 400 where none is named, 404 where it is not known.
    """
    found = instance or asked.resource("valueSet", "ValueSet")
    if found is not None:
        return found
    url = asked.text("url") or canonical_of_context(terminology.definitions, asked)
    if url is None:
        raise missing("url", "valueSet")
    canonical = versioned(url, asked.text("valueSetVersion"))
    known = terminology.value_set(canonical)
    if known is None:
        raise refuse(404, "value-set-not-found", "not-found", url=canonical[:200])
    return known


def code_system_of(terminology: Terminology, canonical: str) -> CodeSystem:
    """The index of a code system. Errors: Refused 404."""
    found = terminology.code_system(canonical)
    if found is None:
        raise refuse(404, "code-system-not-found", "not-found", system=canonical[:200])
    return found


def concept_of(system: CodeSystem, code: str) -> Concept:
    """A concept of a code system. Errors: Refused 404; the text says where only a part is loaded."""
    spelling = system.spelling(code)
    if spelling is None:
        fault = "code-not-found" if system.is_complete else "code-not-in-fragment"
        raise refuse(404, fault, "not-found", concept=code[:100], system=system.url)
    return system.concepts[spelling]


def asked_coding(
    asked: OperationParameters, *, coding: str = "coding", code: str = "code"
) -> Coding | None:
    """The coding of a call that names it whole or by code, system and version."""
    whole = asked.coding(coding)
    bare = asked.text(code)
    if whole is not None or bare is None:
        return whole
    return Coding(bare, asked.text("system"), asked.text("version"))
