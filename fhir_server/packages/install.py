"""Installing packages with what they need: all of them, or none."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fhir_server.definitions.installed import MANIFEST, PACK, PACKAGES, installed_packages
from fhir_server.definitions.pack import write_pack
from fhir_server.definitions.packages import LOADED_TYPES, PackageError
from fhir_server.model.json_source import pretty_json
from fhir_server.packages.archive import PackageContent, read_archive, read_folder
from fhir_server.packages.manifest import Manifest, Need, parse_manifest, parse_need
from fhir_server.packages.registry import Registry

MAX_PACKAGES = 100
"""How many packages one installation may draw in."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A package that is read and checked, and not yet installed."""

    manifest: Manifest
    content: PackageContent

    @property
    def folder_name(self) -> str:
        """The name of its folder."""
        return f"{self.manifest.name}#{self.manifest.version}"


def install(
    sources: Iterable[str],
    data_dir: Path,
    registry: Registry | None,
    *,
    with_dependencies: bool = True,
) -> list[Manifest]:
    """Install packages from files, folders or a registry, with the packages they need.

    Shape: what was installed, the packages asked for first; a version that is there is replaced.
    Errors: PackageError for a package that cannot be used or a need that cannot be met: then nothing is
    installed; RegistryUnreachableError.
    """
    found = {c.folder_name: c for c in (_candidate(source, registry) for source in sources)}
    if with_dependencies:
        _add_needed(found, data_dir, registry)
    for candidate in found.values():
        _write(candidate, data_dir)
    return [candidate.manifest for candidate in found.values()]


def remove(need: Need, data_dir: Path) -> list[str]:
    """Remove the installed versions that are asked for. Errors: PackageError where there is none, or
    another installed package needs it.
    """
    packages = installed_packages(data_dir)
    gone = [p for p in packages if p.name == need.name and need.is_met_by(p.version)]
    if need.version == "latest" and len(gone) > 1:
        versions = ", ".join(package.version for package in gone)
        raise PackageError(f"{need.name} is installed as {versions}: say which, NAME@VERSION")
    if not gone:
        raise PackageError(f"{need.name} is not installed" if need.version == "latest"
                           else f"{need} is not installed")  # fmt: skip
    left = [package for package in packages if package not in gone]
    for package in left:
        for needed in parse_manifest(package.manifest).needs:
            was_met = any(needed.name == p.name and needed.is_met_by(p.version) for p in gone)
            if was_met and not any(
                needed.name == p.name and needed.is_met_by(p.version) for p in left
            ):
                raise PackageError(
                    f"{package.name}@{package.version} needs {needed}: remove it first"
                )
    for package in gone:
        shutil.rmtree(package.folder)
    return [f"{package.name}@{package.version}" for package in gone]


def _candidate(source: str, registry: Registry | None) -> Candidate:
    path = Path(source)
    try:
        content = _content(path)
    except OSError as fault:
        raise PackageError(f"{fault.filename or source}: {fault.strerror}") from None
    if content is not None:
        return Candidate(parse_manifest(content.manifest), content)
    if "/" in source or source.endswith((".tgz", ".tar.gz")):
        raise PackageError(f"{path.name}: no such file or folder")
    return _fetched(parse_need(source), registry)


def _content(path: Path) -> PackageContent | None:
    """What a folder or an archive holds; None where there is none of that name."""
    if path.is_dir():
        return read_folder(path)
    return read_archive(path.read_bytes(), path.name) if path.is_file() else None


def _fetched(need: Need, registry: Registry | None) -> Candidate:
    if registry is None:
        raise PackageError(
            f"{need} is not at hand and no registry is set: set OSTEON_PACKAGE_REGISTRY, or install it "
            "from a file first"
        )
    version = registry.newest(need)
    content = read_archive(registry.fetch(need.name, version), f"{need.name}@{version}")
    manifest = parse_manifest(content.manifest)
    if (manifest.name, manifest.version) != (need.name, version):
        raise PackageError(f"the registry sent {manifest.name}@{manifest.version} for {need}")
    return Candidate(manifest, content)


def _add_needed(found: dict[str, Candidate], data_dir: Path, registry: Registry | None) -> None:
    """Draw in what is needed, breadth first; packages that need each other end the walk."""
    present = [(p.name, p.version) for p in installed_packages(data_dir)]
    waiting = list(found.values())
    while waiting:
        for need in waiting.pop(0).manifest.needs:
            at_hand = [*present, *((c.manifest.name, c.manifest.version) for c in found.values())]
            if any(name == need.name and need.is_met_by(version) for name, version in at_hand):
                continue
            if len(found) >= MAX_PACKAGES:
                raise PackageError(f"more than {MAX_PACKAGES} packages would be installed")
            candidate = _fetched(need, registry)
            found[candidate.folder_name] = candidate
            waiting.append(candidate)


def _write(candidate: Candidate, data_dir: Path) -> None:
    """Write a package beside its place, then put it there whole."""
    root = data_dir / PACKAGES
    root.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=root))
    try:
        write_pack(draft / PACK, _definitions(candidate.content))
        (draft / MANIFEST).write_bytes(pretty_json(candidate.content.manifest))
        place = root / candidate.folder_name
        if place.exists():
            shutil.rmtree(place)
        draft.chmod(0o755)
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _definitions(content: PackageContent) -> Iterator[dict[str, object]]:
    """The conformance resources that can be looked up: of a known type, with a url."""
    for resource in content.resources:
        if resource.get("resourceType") in LOADED_TYPES and isinstance(resource.get("url"), str):
            yield resource
