"""The network's package as the tests read it."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fhir_server.definitions.packages import network_package, read_conformance
from fhir_server.model.json_source import parse_json

Resource = dict[str, Any]

ROOT = network_package()
BASE = "https://osteon.example/fhir"
TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One issue as `expected.csv` declares it; `rule` is the key of an invariant."""

    severity: str
    id: str
    rule: str
    expression: str


@cache
def package() -> tuple[Resource, ...]:
    """The conformance resources of the package."""
    return tuple(read_conformance(ROOT))


def of_type(resource_type: str) -> list[Resource]:
    """The resources of the package of one type."""
    return [resource for resource in package() if resource["resourceType"] == resource_type]


def profiles() -> list[Resource]:
    """The profiles on resources, without the extensions."""
    return [each for each in of_type("StructureDefinition") if each["kind"] == "resource"]


def elements(structure: Resource) -> list[Resource]:
    """The elements of the differential."""
    found: list[Resource] = structure["differential"]["element"]
    return found


def constraints() -> dict[str, Resource]:
    """Every invariant of the package by its key."""
    return {
        constraint["key"]: constraint
        for structure in of_type("StructureDefinition")
        for element in elements(structure)
        for constraint in element.get("constraint", ())
    }


def concepts(code_system: Resource) -> Iterator[Resource]:
    """The concepts of a CodeSystem; those of the package are flat."""
    yield from code_system.get("concept", ())


def example_paths(folder: str) -> list[Path]:
    """The example files of a folder below `examples/`, sorted."""
    return sorted((ROOT / "examples" / folder).glob("*.json"))


@cache
def example(path: Path) -> Resource:
    """One example."""
    resource: Resource = parse_json(path.read_bytes())
    return resource


def example_id(path: Path) -> str:
    """The name of an example in `expected.csv`: folder and file."""
    return f"{path.parent.name}/{path.name}"


@cache
def expected_findings() -> dict[str, list[Finding]]:
    """What `expected.csv` declares, by example."""
    found: dict[str, list[Finding]] = {}
    with (ROOT / "examples" / "expected.csv").open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            finding = Finding(row["severity"], row["id"], row["rule"], row["expression"])
            found.setdefault(row["file"], []).append(finding)
    return found
