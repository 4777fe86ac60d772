"""Every expression that R4 itself publishes compiles."""

from fhir_server.definitions import Definitions
from fhir_server.fhirpath import FHIRPath


def test_compile__every_search_parameter(definitions: Definitions, lenient: FHIRPath) -> None:
    compiled = 0
    for parameter in definitions.all("SearchParameter"):
        if "expression" in parameter:
            for base in parameter["base"]:
                lenient.compile(parameter["expression"], base)
                compiled += 1
    assert compiled > 1300


def test_compile__every_invariant(definitions: Definitions, lenient: FHIRPath) -> None:
    model = definitions.type_model
    compiled = 0
    for structure in definitions.all("StructureDefinition"):
        for element in structure.get("snapshot", {}).get("element", ()):
            parent, _, name = element["path"].rpartition(".")
            info = model.element(parent, name.removesuffix("[x]")) if parent else None
            types: tuple[str | None, ...] = (
                info.types if info else (element["path"] if not parent else None,)
            )
            for constraint in element.get("constraint", ()):
                for context_type in types:
                    lenient.compile(constraint["expression"], context_type)
                    compiled += 1
    assert compiled > 9000
