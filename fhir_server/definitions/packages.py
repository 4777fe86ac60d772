"""Packages: conformance resources from a folder, a file or a FHIR package archive.

Shape: a FHIR package is a gzipped tar whose resources stand in `package/`, as
https://confluence.hl7.org/display/FHIR/NPM+Package+Specification describes. Examples are no definitions
and are left out.
"""

import tarfile
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from fhir_server.definitions.definitions import Definitions, core_definitions
from fhir_server.definitions.fetch import KEPT_TYPES
from fhir_server.definitions.installed import installed_layers
from fhir_server.model.json_source import JsonSyntaxError, parse_json

LOADED_TYPES = KEPT_TYPES | {"ImplementationGuide", "Questionnaire"}
"""What a package or folder may define."""
_NO_RESOURCES = frozenset({"package.json", ".index.json"})
BACKPORT = Path(__file__).parent / "backport"
"""What R4 needs to take subscriptions to topics: the profile and the extensions of HL7's
`hl7.fhir.uv.subscriptions-backport` 1.1.0, as far as this server reads them.
"""
MAX_PACKAGE_MEMBER_BYTES = 64 * 1024 * 1024


class PackageError(ValueError):
    """A package, folder or file that cannot be loaded; the message names it and says why."""


def read_conformance(path: Path) -> list[dict[str, Any]]:
    """The conformance resources of a JSON file, of a folder of them, or of a package archive (`.tgz`).

    Errors: PackageError for a path that is none of these, broken JSON, or nothing to load.
    """
    try:
        found = [entry for entry in _read(path) if _is_loaded(entry.get("resourceType"))]
    except OSError as error:
        raise PackageError(f"{error.filename or path}: {error.strerror}") from None
    if not found:
        raise PackageError(f"{path.name} holds no conformance resource")
    return found


def _is_loaded(kind: Any) -> bool:
    return isinstance(kind, str) and kind in LOADED_TYPES


def _read(path: Path) -> Iterator[dict[str, Any]]:
    if path.is_dir():
        for file in sorted(path.rglob("*.json")):
            if "examples" not in file.relative_to(path).parts and file.name not in _NO_RESOURCES:
                yield from _resources(file.read_bytes(), file.name)
    elif path.name.endswith((".tgz", ".tar.gz")):
        yield from _read_archive(path)
    elif path.is_file():
        yield from _resources(path.read_bytes(), path.name)
    else:
        raise PackageError(f"{path.name}: no such file or folder")


def _read_archive(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with tarfile.open(path, mode="r:gz") as archive:
            for member in archive:
                folder, _, name = member.name.rpartition("/")
                if folder != "package" or not name.endswith(".json") or name in _NO_RESOURCES:
                    continue
                if member.size > MAX_PACKAGE_MEMBER_BYTES:
                    raise PackageError(f"{path.name}: {name} is larger than any definition")
                file = archive.extractfile(member)
                if file is not None:
                    yield from _resources(file.read(), name)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise PackageError(f"{path.name} is no package archive: {error}") from None


def _resources(source: bytes, name: str) -> Iterator[dict[str, Any]]:
    try:
        content = parse_json(source)
    except JsonSyntaxError as error:
        raise PackageError(f"{name}: {error}") from None
    if not isinstance(content, dict):
        raise PackageError(f"{name} is no FHIR resource")
    if content.get("resourceType") != "Bundle":
        yield content
        return
    for entry in content.get("entry", ()):
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
            yield entry["resource"]


def network_package() -> Path:
    """The folder of the network's own package: that of the checkout, or the one inside the wheel."""
    checkout = Path(__file__).resolve().parents[2] / "profiles"
    if checkout.is_dir():
        return checkout
    return Path(str(resources.files("fhir_server"))) / "data" / "profiles"


@cache
def network_definitions(data_dir: Path | None = None) -> Definitions:
    """FHIR R4 with the network's own package in front, and between both what is installed in a data
    directory. Errors: those of `core_definitions`.
    """
    layers = installed_layers(data_dir) if data_dir is not None else []
    own = [*read_conformance(network_package()), *read_conformance(BACKPORT)]
    return core_definitions().behind(own, layers)
