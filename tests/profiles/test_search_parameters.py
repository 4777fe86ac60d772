"""Our search parameters: they compile, and each finds something in the examples."""

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.fhirpath import FHIRPath
from tests.profiles.network import Resource, example, example_paths, of_type

EXAMPLES = [
    *(example(path) for path in example_paths("valid")),
    *(entry["resource"] for path in example_paths("journeys") for entry in example(path)["entry"]),
]


@pytest.mark.parametrize("parameter", of_type("SearchParameter"), ids=lambda each: str(each["id"]))
def test_search_parameter__finds_values_in_the_examples(parameter: Resource) -> None:
    engine = FHIRPath(core_definitions().type_model, lenient=True)
    for base in parameter["base"]:
        compiled = engine.compile(parameter["expression"], base)
        found = [
            item
            for resource in EXAMPLES
            if resource["resourceType"] == base
            for item in compiled.evaluate(resource)
        ]
        assert found, base


def test_search_parameters__do_not_reuse_a_code_of_the_specification() -> None:
    core = core_definitions()
    taken = [
        (base, parameter["code"])
        for parameter in of_type("SearchParameter")
        for base in parameter["base"]
        if parameter["code"] in core.search_parameters(base)
    ]
    assert taken == []
