"""What a package says of itself in its package.json, checked.

Source: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
"""

import re
from dataclasses import dataclass
from typing import Any

from fhir_server.definitions.packages import PackageError

_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,198}[A-Za-z0-9])?")
_VERSION = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.+-]{0,98}[0-9A-Za-z])?")
_WANTED = re.compile(r"latest|[0-9]+\.([0-9]+\.)?[xX*]|[0-9A-Za-z][0-9A-Za-z.+-]{0,99}")
CORE_PACKAGES = frozenset({"hl7.fhir.r4.core", "hl7.fhir.core", "hl7.fhir.r4.expansions"})
"""What Osteon has in itself; a dependency on it is always met."""


@dataclass(frozen=True, slots=True)
class Need:
    """A package that is asked for; `version` may be `latest` or end in `.x`."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    def is_met_by(self, version: str) -> bool:
        """Whether a version is one that is asked for."""
        if self.version == "latest":
            return True
        if self.version[-1] in "xX*":
            return version.startswith(self.version[:-1])
        return version == self.version


@dataclass(frozen=True, slots=True)
class Manifest:
    """The name and version of a package, and what it needs beside FHIR itself."""

    name: str
    version: str
    needs: tuple[Need, ...]


def parse_need(text: str) -> Need:
    """A package asked for as NAME@VERSION or NAME#VERSION. Errors: PackageError."""
    name, _, version = text.replace("#", "@", 1).partition("@")
    version = version or "latest"
    if not _NAME.fullmatch(name) or not _WANTED.fullmatch(version):
        raise PackageError(f"{text[:100]} is no file, no folder and no NAME@VERSION")
    return Need(name, version)


def parse_manifest(content: dict[str, Any]) -> Manifest:
    """The manifest of a package. Errors: PackageError for a name or version that cannot be one, or a
    package for another release of FHIR than R4.
    """
    name, version = content.get("name"), content.get("version")
    if not isinstance(name, str) or not _NAME.fullmatch(name) or ".." in name:
        raise PackageError("package.json: the name is missing or cannot be one")
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise PackageError(f"{name}: the version is missing or cannot be one")
    releases = content.get("fhirVersions") or content.get("fhir-version-list") or ["4.0.1"]
    if not any(str(release).startswith("4.0") for release in releases):
        raise PackageError(f"{name} {version} is for FHIR {', '.join(map(str, releases))}, not R4")
    listed = content.get("dependencies") or {}
    if not isinstance(listed, dict):
        raise PackageError(f"{name} {version}: the dependencies are no object")
    needs = (parse_need(f"{needed}@{wanted}") for needed, wanted in listed.items())
    return Manifest(name, version, tuple(n for n in needs if n.name not in CORE_PACKAGES))
