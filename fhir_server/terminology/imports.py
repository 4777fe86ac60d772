"""Terminology loaded into the data directory, from CSV or FHIR files; one pack a resource."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xxhash

from fhir_server.definitions.installed import TERMINOLOGY, imported_terminology
from fhir_server.definitions.pack import Pack, write_pack
from fhir_server.definitions.packages import PackageError, read_conformance
from fhir_server.terminology.code_system import CodeSystem
from fhir_server.terminology.csv_source import CsvHead, code_system_of_csv

TYPES = frozenset({"CodeSystem", "ConceptMap", "ValueSet"})


def import_terminology(file: Path, data_dir: Path, head: CsvHead) -> Iterator[str]:
    """Load a file; a line for each resource that is loaded. What has its url and version is replaced.

    Errors: PackageError for a file that cannot be read, or holds no terminology; nothing is loaded then.
    """
    if file.suffix.lower() in {".csv", ".tsv", ".txt"}:
        if not file.is_file():
            raise PackageError(f"{file.name}: no such file")
        resources = [code_system_of_csv(file, head)]
    else:
        resources = [r for r in read_conformance(file) if r["resourceType"] in TYPES]
    for resource in resources:
        _check(resource, file.name)
    if not resources:
        raise PackageError(f"{file.name} holds no code system, value set or concept map")
    for resource in resources:
        name = _file_name(resource)
        write_pack(data_dir / TERMINOLOGY / name, [resource])
        yield f"{resource['resourceType']} {_canonical(resource)} loaded{_size(resource)}"


def remove_terminology(canonical: str, data_dir: Path) -> list[str]:
    """Remove what was loaded under a canonical; without a version, all its versions."""
    url, _, version = canonical.partition("|")
    gone: list[str] = []
    for path in imported_terminology(data_dir):
        entry = Pack(path).entries[0]
        if entry.url == url and version in {"", entry.version}:
            path.unlink()
            gone.append(
                f"{entry.resource_type} {entry.url}" + f"|{entry.version}" * bool(entry.version)
            )
    return gone


def _check(resource: dict[str, Any], name: str) -> None:
    """Errors: PackageError for what could not be looked up, or would mislead."""
    if not isinstance(resource.get("url"), str):
        raise PackageError(f"{name}: a {resource['resourceType']} without url cannot be looked up")
    if resource["resourceType"] == "CodeSystem":
        try:
            index = CodeSystem(resource)
        except (TypeError, AttributeError, KeyError):
            raise PackageError(f"{name}: {resource['url']} is no CodeSystem of FHIR R4") from None
        circle = index.circle()
        if circle is not None:
            raise PackageError(f"{name}: the hierarchy of {resource['url']} runs in a circle through "
                               f"{circle[:60]}")  # fmt: skip


def _file_name(resource: dict[str, Any]) -> str:
    canonical = f"{resource['resourceType']}|{_canonical(resource)}"
    slug = re.sub(r"[^A-Za-z0-9]+", "-", resource["url"].rstrip("/").rpartition("/")[2])[:40]
    return f"{slug}-{xxhash.xxh3_64_hexdigest(canonical.encode())}.pack"


def _canonical(resource: dict[str, Any]) -> str:
    version = resource.get("version")
    return f"{resource['url']}|{version}" if version else str(resource["url"])


def _size(resource: dict[str, Any]) -> str:
    if resource["resourceType"] != "CodeSystem":
        return ""
    return f": {len(CodeSystem(resource).codes)} codes"
