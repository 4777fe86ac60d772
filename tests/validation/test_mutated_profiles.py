"""Whatever is wrong with a profile, its author is told what and where, in words."""

import re
from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.model.issues import Issue, error
from fhir_server.model.json_source import encode_json, parse_json
from fhir_server.validation import Validator
from fhir_server.validation.snapshot import SnapshotError, completed
from tests.validation.mutated_profiles import mutants
from tests.validation.rules.definitions import claiming, patient, profile, url

EXCEPTION = re.compile(r"Error\b|Exception|\bNone\b|object at 0x|<class")
PLACE = "StructureDefinition.differential.element"
INSTANCE = patient(
    gender="male", birthDate="1974-12", deceasedBoolean=False,
    identifier=[{"system": "urn:x:y", "value": "1", "use": "usual"}, {"system": "urn:z"}],
    managingOrganization={"reference": "Organization/1"}, meta={"profile": [url("mutant")]},
)  # fmt: skip


def issues_about(mutant: dict[str, Any]) -> list[Issue]:
    core = core_definitions()
    found = Validator(core.layered([{**mutant, "url": url("mutant")}])).validate(INSTANCE)
    try:
        completed(mutant, core)
    except SnapshotError as fault:
        found.append(error(fault.reason, "processing", **fault.parameters))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_mutated_profile__is_told_in_words(seed: int) -> None:
    for mutant in mutants(30, seed):
        for issue in issues_about(parse_json(encode_json(mutant))):
            assert issue.id != "profile-fault-of-ours"
            assert EXCEPTION.search(issue.text("en")) is None
            assert EXCEPTION.search(issue.text("fr")) is None


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"type": None}, "StructureDefinition.type"),
        ({"kind": None}, "StructureDefinition.kind"),
        ({"baseDefinition": None}, "StructureDefinition.baseDefinition"),
        ({"baseDefinition": 3}, "StructureDefinition.baseDefinition"),
        ({"snapshot": "x"}, "StructureDefinition.snapshot"),
        ({"snapshot": {"element": []}}, "StructureDefinition.snapshot.element"),
        ({"differential": {}}, "StructureDefinition.differential.element"),
        ({"differential": {"element": [{"id": "Patient"}]}}, f"{PLACE}[0] (Patient).path"),
        ({"differential": {"element": [{"path": "Patient", "min": "1"}]}}, f"{PLACE}[0] (Patient).min"),
        ({"differential": {"element": [{"path": "Patient.name", "max": "many"}]}},
         f"{PLACE}[0] (Patient.name).max"),
        ({"differential": {"element": [{"path": "Patient.name", "type": [{"code": 7}]}]}},
         f"{PLACE}[0] (Patient.name).type[0].code"),
        ({"differential": {"element": [{"path": "Patient", "constraint": [{"expression": {}}]}]}},
         f"{PLACE}[0] (Patient).constraint[0].expression"),
    ],
)  # fmt: skip
def test_broken_profile__place_is_named(change: dict[str, Any], place: str) -> None:
    whole = {**profile("Patient", {"path": "Patient"}), **change}
    broken = {name: value for name, value in whole.items() if value is not None}
    found = Validator(core_definitions().layered([broken])).validate(claiming(patient()))
    told = next(one for one in found if one.id == "profile-broken")
    assert f"{place} " in told.text("en")
    assert f"{place} " in told.text("fr")


def test_broken_profile__without_url_has_no_name() -> None:
    with pytest.raises(SnapshotError) as caught:
        completed({"resourceType": "StructureDefinition"}, core_definitions())
    issue = error(caught.value.reason, "processing", **caught.value.parameters)
    assert issue.text("en").startswith("The profile without a url is no usable")
    assert issue.text("fr").startswith("Le profil sans url n’est pas un StructureDefinition")
