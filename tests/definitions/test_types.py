"""The types of R4 as the type model gives them."""

from typing import Any

from fhir_server.definitions import core_definitions
from fhir_server.definitions.types import TypeModel


def test_type_model__is_not_filled_by_names_that_there_are_not() -> None:
    asked: list[str] = []

    def structure(name: str) -> dict[str, Any] | None:
        asked.append(name)
        return core_definitions().structure(name)

    types = TypeModel(structure)
    for name in ("Nope", "Nope.part", "Patient", "Patient.nope", "Patient.contact"):
        assert (types.type(name) is None) is ("ope" in name)
    assert asked == ["Nope", "Nope", "Patient"]
