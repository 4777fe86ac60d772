"""What is installed in the data directory: packages and terminology, as layers of definitions.

Layout: `packages/<name>#<version>/` holds `package.json` and `definitions.pack`; `terminology/<name>.pack`
holds one imported resource each. A pack is read where it is asked for, so that a start stays quick.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fhir_server.definitions.definitions import Layer, PackLayer
from fhir_server.definitions.pack import Pack, PackEntry
from fhir_server.model.json_source import parse_json

PACKAGES = "packages"
TERMINOLOGY = "terminology"
PACK = "definitions.pack"
MANIFEST = "package.json"


@dataclass(frozen=True, slots=True)
class InstalledPackage:
    """A package in the data directory."""

    name: str
    version: str
    folder: Path

    @property
    def manifest(self) -> dict[str, Any]:
        """Its package.json."""
        content: dict[str, Any] = parse_json((self.folder / MANIFEST).read_bytes())
        return content

    @property
    def entries(self) -> list[PackEntry]:
        """What it defines."""
        return Pack(self.folder / PACK).entries


def version_key(version: str) -> tuple[tuple[int, ...], bool, str]:
    """The order of versions: by their numbers; a pre-release (`1.0.0-ballot`) before its release.

    Source: https://semver.org/#spec-item-11
    """
    core, _, label = version.partition("-")
    numbers = tuple(int(digits) for digits in re.findall(r"[0-9]{1,18}", core))
    return numbers, not label, label


def installed_packages(data_dir: Path) -> list[InstalledPackage]:
    """The packages by name, the newest version of each first."""
    found = [
        InstalledPackage(*folder.name.partition("#")[::2], folder)
        for folder in (data_dir / PACKAGES).glob("*#*")
        if (folder / PACK).is_file()
    ]
    found.sort(key=lambda package: version_key(package.version), reverse=True)
    return sorted(found, key=lambda package: package.name)


def imported_terminology(data_dir: Path) -> list[Path]:
    """The packs of imported resources, the last imported first."""
    return sorted((data_dir / TERMINOLOGY).glob("*.pack"), key=lambda p: p.stat().st_mtime_ns)[::-1]


def installed_layers(data_dir: Path) -> list[Layer]:
    """What is installed, in the order in which it is asked: imported terminology, then packages."""
    packs = imported_terminology(data_dir)
    packs += [package.folder / PACK for package in installed_packages(data_dir)]
    return [PackLayer(Pack(pack)) for pack in packs]
