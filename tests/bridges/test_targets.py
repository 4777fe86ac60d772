"""What the bridges to FHIR profiles make is held against what these ask (`targets.yaml`)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from fhir_server.bridges import Pseudonyms, Records, cross, read_bridge
from fhir_server.definitions import core_definitions
from fhir_server.model.json_source import parse_json
from fhir_server.validation.validator import Validator
from tests.profiles.network import Resource, example, example_paths

HL7 = "http://hl7.org/fhir/StructureDefinition"
TARGETS: Mapping[str, Mapping[str, Any]] = yaml.safe_load(
    (Path(__file__).with_name("targets.yaml")).read_text(encoding="utf-8")
)


def structure(url: str, elements: Mapping[str, Mapping[str, Any]]) -> Resource:
    """A profile that says what a target asks."""
    kind = next(iter(elements)).partition(".")[0]
    return {
        "resourceType": "StructureDefinition",
        "url": url,
        "name": url.rpartition("/")[2],
        "status": "active",
        "kind": "resource",
        "abstract": False,
        "type": kind,
        "baseDefinition": f"{HL7}/{kind}",
        "derivation": "constraint",
        "differential": {
            "element": [
                {"id": path, "path": path, **dict(statements(path, asked))}
                for path, asked in elements.items()
            ]
        },
    }


def statements(path: str, asked: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in ("min", "max"):
        if name in asked:
            yield name, asked[name]
    if "pattern" in asked:
        yield "patternCodeableConcept", asked["pattern"]
    if "types" in asked:
        yield "type", [{"code": each} for each in asked["types"]]
    if "targets" in asked:
        targets = [f"{HL7}/{each}" for each in asked["targets"]]
        yield "type", [{"code": "Reference", "targetProfile": targets}]
    if "rule" in asked:
        key = path.lower().replace(".", "-").replace("[x]", "")
        rule = {"key": key, "severity": "error", "human": path, "expression": asked["rule"]}
        yield "constraint", [rule]


@pytest.fixture(scope="module")
def validator() -> Validator:
    profiles = [structure(url, elements) for url, elements in TARGETS.items()]
    return Validator(core_definitions().layered(profiles))


def made() -> Iterator[Resource]:
    """What the bridges make of the journeys and of each valid example."""
    journeys = [example(path) for path in example_paths("journeys")]
    examples = [example(path) for path in example_paths("valid")]
    names = Pseudonyms("curie", bytes(range(32)))
    for bridge in ("mcode", "miabis"):
        for records in (Records.of_bundles(journeys), Records.of_bundles(examples)):
            files = cross(read_bridge(bridge), records, names).files
            yield from (each["resource"] for each in parse_json(files[f"{bridge}.json"])["entry"])


def test_made__keeps_what_its_target_asks(validator: Validator) -> None:
    faults = [
        (
            resource["meta"]["profile"][0].rpartition("/")[2],
            issue.id,
            issue.expression,
            issue.text(),
        )
        for resource in made()
        for issue in validator.validate(resource)
        if issue.severity == "error" and issue.id != "extension-unknown"
    ]
    assert faults == []


def test_made__is_of_targets_that_are_stated() -> None:
    claimed = {resource["meta"]["profile"][0] for resource in made()}
    assert claimed == set(TARGETS)
