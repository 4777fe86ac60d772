"""What the guide is written from: the package, its examples, and the maps of HL7 v2."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_server.definitions.packages import network_definitions, network_package, read_conformance
from fhir_server.guide.v2_origins import Origin, read_origins
from fhir_server.model.json_source import parse_json
from fhir_server.validation.snapshot import completed

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """An example file: `name` is its path below `examples/`; `faults` what an invalid one is declared
    to get, as severity, issue id, rule and place.
    """

    name: str
    resource: Resource
    faults: Sequence[tuple[str, str, str, str]] = ()

    @property
    def profiles(self) -> Sequence[str]:
        """The profiles that it claims."""
        found: Sequence[str] = self.resource.get("meta", {}).get("profile", ())
        return found


@dataclass(frozen=True, slots=True)
class GuideSource:
    """The package read; `snapshots` are the elements of each profile in full, by its URL."""

    manifest: Resource
    resources: Sequence[Resource]
    snapshots: Mapping[str, Sequence[Resource]]
    valid: Sequence[Example]
    invalid: Sequence[Example]
    journeys: Sequence[Example]
    origins: Mapping[str, Sequence[Origin]]

    def of_type(self, resource_type: str) -> list[Resource]:
        """The resources of one type by id and version."""
        found = [each for each in self.resources if each["resourceType"] == resource_type]
        return sorted(found, key=lambda each: (each["id"], each.get("version", "")))

    @property
    def profiles(self) -> list[Resource]:
        """The profiles on resources."""
        return [each for each in self.of_type("StructureDefinition") if each["kind"] == "resource"]

    @property
    def extensions(self) -> list[Resource]:
        """The extensions."""
        return [each for each in self.of_type("StructureDefinition") if each["kind"] != "resource"]


def read_source(root: Path | None = None, mappings: Path | None = None) -> GuideSource:
    """Read the network's package and maps, those of the installation by default.

    Errors: PackageError and JsonSyntaxError for a broken package, SnapshotError for a profile at fault.
    """
    folder = root or network_package()
    faults = _expected_faults(folder / "examples" / "expected.csv")
    definitions = network_definitions()
    resources = read_conformance(folder)
    return GuideSource(
        manifest=parse_json((folder / "package.json").read_bytes()),
        resources=resources,
        snapshots={
            each["url"]: completed(each, definitions)["snapshot"]["element"]
            for each in resources
            if each["resourceType"] == "StructureDefinition"
        },
        valid=_examples(folder, "valid", {}),
        invalid=_examples(folder, "invalid", faults),
        journeys=_examples(folder, "journeys", {}),
        origins=read_origins(mappings or _mappings(folder)),
    )


def _mappings(package: Path) -> Path:
    """The maps stand beside the package, in the checkout as in the wheel."""
    return package.parent / "mappings"


def _examples(
    root: Path, folder: str, faults: Mapping[str, list[tuple[str, str, str, str]]]
) -> list[Example]:
    paths = sorted((root / "examples" / folder).glob("*.json"))
    names = [f"{folder}/{path.name}" for path in paths]
    return [
        Example(name, parse_json(path.read_bytes()), faults.get(name, ()))
        for name, path in zip(names, paths, strict=True)
    ]


def _expected_faults(path: Path) -> dict[str, list[tuple[str, str, str, str]]]:
    found: dict[str, list[tuple[str, str, str, str]]] = {}
    with path.open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            fault = (row["severity"], row["id"], row["rule"], row["expression"])
            found.setdefault(row["file"], []).append(fault)
    return found
