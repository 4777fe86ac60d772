"""Profiles that widen their type, which they must not: what the type refuses stays refused."""

import copy
from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.definitions.packages import network_definitions
from fhir_server.validation import Validator
from fhir_server.validation.knowledge import Knowledge
from fhir_server.validation.narrowing import narrows
from tests.validation.rules.definitions import CORE, claiming, observation, profile, url

MOMENT = "2020-01-01T00:00:00Z"


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in observation().items() if name != key}


@pytest.mark.parametrize(
    ("widened", "resource"),
    [
        ({"path": "Observation.status", "min": 0}, without("status")),
        ({"path": "Observation.issued", "max": "*"}, observation(issued=[MOMENT])),
        ({"path": "Observation.status", "binding": {"strength": "example"}},
         observation(status="odd")),
        ({"path": "Observation.status", "type": [{"code": "string"}]}, observation(status="a b")),
        ({"path": "Observation.subject", "type": [
            {"code": "Reference", "targetProfile": [f"{CORE}/Practitioner"]}]},
         observation(subject={"reference": "Practitioner/1"})),
        ({"path": "Observation.component.code", "min": 0}, observation(component=[
            {"valueString": "x"}])),
    ],
)  # fmt: skip
def test_accepts__profile_that_widens_lets_nothing_through(
    widened: dict[str, Any], resource: dict[str, Any]
) -> None:
    validator = Validator(core_definitions().layered([profile("Observation", widened)]))
    assert not validator.accepts(claiming(resource))
    assert any(issue.severity == "error" for issue in validator.validate(claiming(resource)))


def test_accepts__snapshot_that_widens_lets_nothing_through() -> None:
    lax = copy.deepcopy(core_definitions().structure("Observation") or {})
    for element in lax["snapshot"]["element"]:
        element["min"] = 0
        element.pop("constraint", None)
    lax |= {"url": url("p"), "derivation": "constraint", "baseDefinition": f"{CORE}/Observation"}
    validator = Validator(core_definitions().layered([lax]))
    assert not validator.accepts(claiming(without("status")))
    twice = observation(referenceRange=[{"age": {"low": {"value": 1}}}])
    assert not validator.accepts(claiming(twice)), "obs-3"


def test_narrows__profiles_that_are_right_are_scanned_without_their_type() -> None:
    knowledge = Knowledge(network_definitions())
    for name in ("primary-bone-tumour", "tumour-surgery", "gene-fusion", "tnm-t"):
        root = knowledge.plans.plan(f"https://osteon.example/fhir/StructureDefinition/{name}")
        assert root is not None
        assert narrows(root, knowledge.plans.type(root.path), knowledge), name
