"""Profiles that something is wrong with: any member of a right one left out, or put in as something else."""

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.validation.rules.definitions import CORE, profile

WRONG: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, "", " ", "x", "a.b", "*", [], {}, [None], [[]], [{}], ["x"], {"x": 1},
    {"resourceType": "Patient"}, "Patient", "http://hl7.org/fhir/StructureDefinition/Patient",
)  # fmt: skip
OWN = Path(__file__).parents[2] / "profiles" / "structure-definitions"


def seeds() -> list[dict[str, Any]]:
    """Profiles that use much of what a profile may say."""
    sliced = profile(
        "Patient",
        {"path": "Patient", "constraint": [
            {"key": "x-1", "severity": "error", "human": "H", "expression": "name.exists()"}]},
        {"path": "Patient.identifier", "min": 1, "max": "4", "slicing": {
            "discriminator": [{"type": "value", "path": "system"}], "rules": "closed"}},
        {"id": "Patient.identifier:a", "path": "Patient.identifier", "sliceName": "a", "max": "2",
         "slicing": {"discriminator": [{"type": "value", "path": "use"}], "rules": "closed"}},
        {"id": "Patient.identifier:a.system", "path": "Patient.identifier.system", "min": 1,
         "fixedUri": "urn:x:y"},
        {"id": "Patient.identifier:a/b", "path": "Patient.identifier", "sliceName": "a/b"},
        {"id": "Patient.identifier:a/b.use", "path": "Patient.identifier.use", "patternCode": "usual"},
        {"path": "Patient.gender", "binding": {
            "strength": "required", "valueSet": "http://hl7.org/fhir/ValueSet/administrative-gender"}},
        {"path": "Patient.birthDate", "minValueDate": "1900-01-01", "maxLength": 10},
        {"path": "Patient.deceasedBoolean", "short": "S"},
        {"path": "Patient.managingOrganization", "type": [
            {"code": "Reference", "targetProfile": [f"{CORE}/Organization"]}]},
        {"path": "Patient.extension", "slicing": {
            "discriminator": [{"type": "value", "path": "url"}], "rules": "open"}},
        {"id": "Patient.extension:b", "path": "Patient.extension", "sliceName": "b", "type": [
            {"code": "Extension", "profile": [f"{CORE}/patient-birthPlace"]}]},
        {"path": "Patient.contact.name.family", "min": 1},
    )  # fmt: skip
    own = [json.loads(path.read_text("utf-8")) for path in sorted(OWN.glob("*.json"))[:3]]
    return [sliced, {**sliced, "snapshot": {"element": sliced["differential"]["element"]}}, *own]


def mutants(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Mutants of the seeds, the same for a number and a seed. Shape: one to three changes in each."""
    chance = random.Random(seed)  # noqa: S311 — for tests
    originals = seeds()
    for _ in range(count):
        mutant = copy.deepcopy(chance.choice(originals))
        for _ in range(chance.choice((1, 1, 2, 3))):
            places = list(_places(mutant))
            holder, key = chance.choice(places) if places else (mutant, "type")
            if chance.random() < 0.35 and holder:
                del holder[key]
            else:
                holder[key] = copy.deepcopy(chance.choice(WRONG))
        yield mutant


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    members = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in list(members):
        if key == "resourceType":
            continue
        yield node, key
        if isinstance(value, (dict, list)):
            yield from _places(value)
