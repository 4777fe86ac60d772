"""Our search parameters: they compile, each finds something in the examples, and none what does not hold."""

from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.fhirpath import FHIRPath
from tests.profiles.network import Resource, example, example_paths, of_type

EXAMPLES = [
    *(example(path) for path in example_paths("valid")),
    *(entry["resource"] for path in example_paths("journeys") for entry in example(path)["entry"]),
]


PARAMETERS = of_type("SearchParameter")
ENTERED_IN_ERROR: dict[str, dict[str, Any]] = {
    "Condition": {"verificationStatus": {"coding": [{"code": "entered-in-error"}]}},
    "Organization": {"active": False},
}
"""How a type says that a record does not hold, where it is not by its status."""
LINKS = {"tumour"}
"""Parameters that say what a resource is about, not what is true of it; a composite is its components."""
FUSION = "https://osteon.example/fhir/CodeSystem/gene-fusion"


def values(parameter: Resource, resource: Resource) -> list[Any]:
    engine = FHIRPath(core_definitions().type_model, lenient=True)
    compiled = engine.compile(parameter["expression"], resource["resourceType"])
    return list(compiled.evaluate(resource))


def by_code(code: str) -> Resource:
    (parameter,) = [each for each in PARAMETERS if each["code"] == code]
    return parameter


def fusion(status: str = "final", **answer: Any) -> Resource:
    (found, *_) = [each for each in EXAMPLES if "gene-fusion" in str(each.get("code"))]
    return {**found, "status": status, "valueCodeableConcept": answer}


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda each: str(each["id"]))
def test_search_parameter__finds_values_in_the_examples(parameter: Resource) -> None:
    for base in parameter["base"]:
        examples = [each for each in EXAMPLES if each["resourceType"] == base]
        assert any(values(parameter, each) for each in examples), base


@pytest.mark.parametrize(
    "parameter",
    [each for each in PARAMETERS if each["code"] not in LINKS and each["type"] != "composite"],
    ids=lambda each: str(each["id"]),
)
def test_search_parameter__leaves_out_what_was_entered_in_error(parameter: Resource) -> None:
    for base in parameter["base"]:
        mistaken = ENTERED_IN_ERROR.get(base, {"status": "entered-in-error"})
        examples = [{**each, **mistaken} for each in EXAMPLES if each["resourceType"] == base]
        assert [each["id"] for each in examples if values(parameter, each)] == []


@pytest.mark.parametrize(
    ("code", "element", "value"),
    [
        ("morphology", "verificationStatus", {"coding": [{"code": "refuted"}]}),
        ("time-since-surgery", "verificationStatus", {"coding": [{"code": "refuted"}]}),
        ("concordance", "status", "cancelled"),
        ("reading-role", "status", "cancelled"),
        ("meeting-timing", "status", "draft"),
        ("setting", "status", "not-taken"),
        ("intent", "status", "not-done"),
        ("permitted-use", "status", "inactive"),
        ("permitted-until", "status", "inactive"),
        ("permitted-partner", "status", "inactive"),
        ("permitted-partner", "provision", {"type": "deny", "actor": [{"reference": {}}]}),
    ],
)
def test_search_parameter__leaves_out_what_did_not_come_to_pass(
    code: str, element: str, value: Any
) -> None:
    parameter = by_code(code)
    examples = [each for each in EXAMPLES if values(parameter, each)]
    assert [each for each in examples if values(parameter, {**each, element: value})] == []


@pytest.mark.parametrize(
    ("observation", "known"),
    [
        (fusion(coding=[{"system": FUSION, "code": "EWSR1::FLI1"}]), [True]),
        (fusion(coding=[{"system": FUSION, "code": "other"}], text="EWSR1::CREB1"), [True]),
        (fusion(coding=[{"system": "http://loinc.org", "code": "LA9633-4"}]), [True]),
        (fusion(coding=[{"system": "http://loinc.org", "code": "LA9634-2"}]), [False]),
        (fusion(coding=[{"system": FUSION, "code": "none-found"}]), [False]),
        (fusion(text="pas de fusion identifiée"), []),
        (fusion("preliminary", coding=[{"system": FUSION, "code": "EWSR1::FLI1"}]), []),
        (fusion("cancelled", coding=[{"system": FUSION, "code": "EWSR1::FLI1"}]), []),
    ],
    ids=["named", "other", "present", "absent", "none", "words", "preliminary", "cancelled"],
)
def test_known_fusion__rests_on_a_final_code(observation: Resource, known: list[bool]) -> None:
    assert values(by_code("known-fusion"), observation) == known


def test_search_parameters__do_not_reuse_a_code_of_the_specification() -> None:
    core = core_definitions()
    taken = [
        (base, parameter["code"])
        for parameter in of_type("SearchParameter")
        for base in parameter["base"]
        if parameter["code"] in core.search_parameters(base)
    ]
    assert taken == []
