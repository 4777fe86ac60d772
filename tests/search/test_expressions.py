import pytest

from fhir_server.definitions import TypeModel, core_definitions
from fhir_server.search.expressions import branches_of, is_single_valued, union_branches


@pytest.fixture(scope="module")
def model() -> TypeModel:
    return core_definitions().type_model


def test_union_branches__splits_only_at_the_outermost_bar() -> None:
    expression = "A.b | (A.c | A.d).e | A.f.where(x = '|')"
    assert union_branches(expression) == ["A.b", "(A.c | A.d).e", "A.f.where(x = '|')"]


def test_branches_of__keeps_those_of_the_type(model: TypeModel) -> None:
    expression = (
        "AllergyIntolerance.code | Condition.code | (DeviceRequest.code as CodeableConcept)"
    )
    assert [branch.expression for branch in branches_of(expression, "Condition", model)] == [
        "Condition.code"
    ]


@pytest.mark.parametrize(
    ("expression", "resource_type", "keys"),
    [
        ("Condition.code", "Condition", {"code"}),
        ("Condition.onset.as(Age)", "Condition", {"onsetAge"}),
        ("(Observation.value as Quantity)", "Observation", {"valueQuantity"}),
        ("Resource.meta.tag", "Condition", {"meta"}),
        ("Patient.telecom.where(system='phone')", "Patient", {"telecom"}),
        ("Patient.extension('http://x/y')", "Patient", {"extension"}),
    ],
)
def test_branches_of__knows_the_keys_a_path_starts_from(
    model: TypeModel, expression: str, resource_type: str, keys: set[str]
) -> None:
    (branch,) = branches_of(expression, resource_type, model)
    assert set(branch.keys or ()) == keys


@pytest.mark.parametrize(
    "expression",
    ["Patient.deceased.exists() and Patient.deceased != false", "Observation", "name"],
)
def test_branches_of__anything_else_always_runs(model: TypeModel, expression: str) -> None:
    resource_type = "Observation" if expression == "Observation" else "Patient"
    (branch,) = branches_of(expression, resource_type, model)
    assert branch.keys is None


def test_branches_of__type_of_a_target_is_read_off(model: TypeModel) -> None:
    (branch,) = branches_of("Condition.subject.where(resolve() is Patient)", "Condition", model)
    assert (branch.expression, branch.target) == ("Condition.subject", "Patient")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("Condition.recordedDate", True),
        ("Condition.onset.as(dateTime) | Condition.onset.as(Period)", True),
        ("(Condition.onset as dateTime)", True),
        ("Condition.stage.summary", False),
        ("Condition.category", False),
        ("Condition.recordedDate | Condition.onset.as(dateTime)", False),
        ("Condition.code.coding.where(system = 'x')", False),
    ],
)
def test_is_single_valued__one_plain_path_without_a_list(
    model: TypeModel, expression: str, expected: bool
) -> None:
    branches = branches_of(expression, "Condition", model)
    assert is_single_valued(branches, "Condition", model) is expected
