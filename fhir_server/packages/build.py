"""Building a FHIR package from a folder of conformance resources: the same content, the same bytes.

Shape: definitions in `package/`, examples in `package/example/`, each folder with its `.index.json`.
Source: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
"""

import gzip
import io
import tarfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from fhir_server.definitions.packages import PackageError
from fhir_server.model.json_source import JsonSyntaxError, parse_json, pretty_json
from fhir_server.packages.manifest import Manifest, parse_manifest

_EXAMPLES = "examples"
_NO_EXAMPLES = frozenset({"invalid"})
"""Folders of examples that are wrong on purpose: they test rules, they do not show content."""
_INDEXED = ("id", "url", "version", "kind", "type", "supplements", "content")


Completed = Callable[[dict[str, Any]], dict[str, Any]]
"""From a StructureDefinition to the same with its snapshot."""


def build_package(folder: Path, completed: Completed | None = None) -> tuple[Manifest, bytes]:
    """The package of a folder with a `package.json`, and its archive; with `completed`, profiles stand in
    it with their snapshots, as those who use a package expect.

    Errors: PackageError for a folder without manifest, broken JSON, or two resources of one type and id;
    whatever `completed` raises.
    """
    manifest_file = folder / "package.json"
    if not manifest_file.is_file():
        raise PackageError(f"{folder.name} has no package.json")
    manifest = _json(manifest_file)
    checked = parse_manifest(manifest)
    definitions: dict[str, dict[str, Any]] = {}
    examples: dict[str, dict[str, Any]] = {}
    for file in sorted(folder.rglob("*.json")):
        parts = file.relative_to(folder).parts
        if file == manifest_file or not _NO_EXAMPLES.isdisjoint(parts):
            continue
        resource = _json(file)
        is_example = parts[0] == _EXAMPLES
        if (
            completed is not None
            and not is_example
            and resource.get("resourceType") == "StructureDefinition"
        ):
            resource = completed(resource)
        _add(examples if is_example else definitions, resource, file)
    members = {"package/package.json": pretty_json(_published(manifest))}
    members |= _members("package", definitions)
    members |= _members("package/example", examples)
    return checked, _archive(members)


def _published(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest as the archive lays things out."""
    return {**manifest, "directories": {"lib": "package", "example": "example"}}


def _add(found: dict[str, dict[str, Any]], resource: dict[str, Any], file: Path) -> None:
    name = f"{resource.get('resourceType')}-{resource.get('id', file.stem)}.json"
    if name in found:
        raise PackageError(f"{file.name}: there is a second {name.removesuffix('.json')}")
    found[name] = resource


def _members(folder: str, resources: Mapping[str, dict[str, Any]]) -> dict[str, bytes]:
    if not resources:
        return {}
    lines = [
        {"filename": name, "resourceType": resource["resourceType"],
         **{key: resource[key] for key in _INDEXED if isinstance(resource.get(key), str)}}
        for name, resource in sorted(resources.items())
    ]  # fmt: skip
    index = {"index-version": 2, "files": lines}
    members = {f"{folder}/.index.json": pretty_json(index)}
    return members | {
        f"{folder}/{name}": pretty_json(resources[name]) for name in sorted(resources)
    }


def _archive(members: Mapping[str, bytes]) -> bytes:
    """A gzipped tar without what changes from run to run: times, owners, the order of a folder."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in _manifest_first(members.items()):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _manifest_first(members: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return sorted(members, key=lambda item: (item[0] != "package/package.json", item[0]))


def _json(file: Path) -> dict[str, Any]:
    try:
        content = parse_json(file.read_bytes())
    except JsonSyntaxError as fault:
        raise PackageError(f"{file.name}: {fault}") from None
    if not isinstance(content, dict):
        raise PackageError(f"{file.name} is no resource")
    return content
