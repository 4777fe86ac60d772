"""Terminology loaded into the data directory, from CSV or FHIR files; one pack a resource."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xxhash

from fhir_server.definitions.installed import TERMINOLOGY, imported_terminology
from fhir_server.definitions.pack import FAST, Pack, write_pack
from fhir_server.definitions.packages import PackageError, read_conformance
from fhir_server.terminology.code_system import CodeSystem
from fhir_server.terminology.csv_source import CsvHead, code_system_of_csv

TYPES = frozenset({"CodeSystem", "ConceptMap", "ValueSet"})


def import_terminology(file: Path, data_dir: Path, head: CsvHead) -> Iterator[str]:
    """Load a file; a line for each resource that is loaded. What has its url and version is replaced.

    Errors: PackageError for a file that cannot be read, or holds no terminology; nothing is loaded then.
    """
    for resource, size in _read_csv(file, head) if _is_csv(file) else _read_fhir(file):
        write_pack(data_dir / TERMINOLOGY / _file_name(resource), [resource], level=FAST)
        said = "" if size is None else f": {size} codes"
        yield f"{resource['resourceType']} {_canonical(resource)} loaded{said}"


Sized = tuple[dict[str, Any], int | None]
"""A resource with the number of its codes, for a code system."""


def _is_csv(file: Path) -> bool:
    return file.suffix.lower() in {".csv", ".tsv", ".txt"}


def _read_csv(file: Path, head: CsvHead) -> list[Sized]:
    if not file.is_file():
        raise PackageError(f"{file.name}: no such file")
    resource = code_system_of_csv(file, head)
    return [(resource, resource["count"])]


def _read_fhir(file: Path) -> list[Sized]:
    found = [r for r in read_conformance(file) if r["resourceType"] in TYPES]
    if not found:
        raise PackageError(f"{file.name} holds no code system, value set or concept map")
    return [(resource, _checked(resource, file.name)) for resource in found]


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


def _checked(resource: dict[str, Any], name: str) -> int | None:
    """The number of codes of a code system.

    Errors: PackageError for what could not be looked up, or would mislead.
    """
    if not isinstance(resource.get("url"), str):
        raise PackageError(f"{name}: a {resource['resourceType']} without url cannot be looked up")
    if resource["resourceType"] != "CodeSystem":
        return None
    try:
        index = CodeSystem(resource)
    except (TypeError, AttributeError, KeyError):
        raise PackageError(f"{name}: {resource['url']} is no CodeSystem of FHIR R4") from None
    circle = index.circle()
    if circle is not None:
        raise PackageError(f"{name}: the hierarchy of {resource['url']} runs in a circle through "
                           f"{circle[:60]}")  # fmt: skip
    return len(index.codes)


def _file_name(resource: dict[str, Any]) -> str:
    canonical = f"{resource['resourceType']}|{_canonical(resource)}"
    slug = re.sub(r"[^A-Za-z0-9]+", "-", resource["url"].rstrip("/").rpartition("/")[2])[:40]
    return f"{slug}-{xxhash.xxh3_64_hexdigest(canonical.encode())}.pack"


def _canonical(resource: dict[str, Any]) -> str:
    version = resource.get("version")
    return f"{resource['url']}|{version}" if version else str(resource["url"])
