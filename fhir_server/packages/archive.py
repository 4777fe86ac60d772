"""A FHIR package archive, read under bounds: it comes from outside and may be built to harm.

Nothing is unpacked to disk: members are read by name from the stream, so that a path that leads out of
the folder, a link or a device has nothing to act on; such an archive is refused all the same.

Source: https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
"""

import gzip
import io
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from fhir_server.definitions.packages import MAX_PACKAGE_MEMBER_BYTES, PackageError
from fhir_server.model.json_source import JsonSyntaxError, parse_json

MAX_ARCHIVE_BYTES = 256 * 1024 * 1024
"""The largest archive that is read, compressed."""
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
"""The most that an archive may hold, unpacked."""
MAX_MEMBERS = 100_000
_CONTENT_FOLDER = "package"
_NO_RESOURCES = frozenset({"package.json", ".index.json"})
_CHUNK = 1024 * 1024


@dataclass(slots=True)
class PackageContent:
    """What a package holds: its manifest and its resources, examples left out."""

    manifest: dict[str, Any]
    resources: list[dict[str, Any]] = field(default_factory=list)


def read_archive(source: bytes, name: str) -> PackageContent:
    """The content of an archive. Errors: PackageError, naming the archive and the reason."""
    if len(source) > MAX_ARCHIVE_BYTES:
        raise PackageError(f"{name} is larger than {MAX_ARCHIVE_BYTES} bytes")
    manifest: Any = None
    resources: list[dict[str, Any]] = []
    try:
        for path, content in _members(source, name):
            if path == PurePosixPath("package/package.json"):
                manifest = _json(content, name, path.name)
            elif path.parent.name == _CONTENT_FOLDER and path.name not in _NO_RESOURCES:
                resource = _json(content, name, path.name)
                if isinstance(resource, dict) and "resourceType" in resource:
                    resources.append(resource)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as fault:
        raise PackageError(f"{name} is no package archive: {fault}") from None
    if not isinstance(manifest, dict):
        raise PackageError(f"{name} has no package/package.json")
    return PackageContent(manifest, resources)


def read_folder(folder: Path) -> PackageContent:
    """The content of a folder: `package.json` at its top or in `package/`, resources below it."""
    root = folder / _CONTENT_FOLDER if (folder / _CONTENT_FOLDER).is_dir() else folder
    if not (root / "package.json").is_file():
        raise PackageError(f"{folder.name} has no package.json")
    manifest = _json((root / "package.json").read_bytes(), folder.name, "package.json")
    if not isinstance(manifest, dict):
        raise PackageError(f"{folder.name}: package.json is no object")
    resources = []
    for file in sorted(root.rglob("*.json")):
        inside = file.relative_to(root)
        if file.name in _NO_RESOURCES or inside.parts[0] in {"example", "examples"}:
            continue
        content = _json(file.read_bytes(), folder.name, file.name)
        if isinstance(content, dict) and "resourceType" in content:
            resources.append(content)
    return PackageContent(manifest, resources)


def _members(source: bytes, name: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    """The JSON files in `package/`, in order."""
    unpacked = _Bounded(gzip.GzipFile(fileobj=io.BytesIO(source)), name)
    with tarfile.open(fileobj=unpacked, mode="r|") as archive:
        for count, member in enumerate(archive):
            if count >= MAX_MEMBERS:
                raise PackageError(f"{name} holds more than {MAX_MEMBERS} files")
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts or "\\" in member.name:
                raise PackageError(f"{name} holds a path that leads out of it: {member.name[:100]}")
            if member.issym() or member.islnk() or member.isdev():
                raise PackageError(f"{name} holds a link or a device: {member.name[:100]}")
            if (
                path.parent.name != _CONTENT_FOLDER
                or path.suffix != ".json"
                or len(path.parts) != 2
            ):
                continue
            if member.size > MAX_PACKAGE_MEMBER_BYTES:
                raise PackageError(f"{name}: {path.name} is larger than any definition")
            file = archive.extractfile(member)
            if file is not None:
                yield path, file.read()


class _Bounded(io.RawIOBase):
    """A stream that ends with a PackageError once more comes out of it than a package may hold."""

    def __init__(self, inner: gzip.GzipFile, name: str) -> None:
        super().__init__()
        self._inner = inner
        self._name = name
        self._size = 0

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        content = self._inner.read(_CHUNK if size < 0 else min(size, MAX_UNPACKED_BYTES))
        self._size += len(content)
        if self._size > MAX_UNPACKED_BYTES:
            raise PackageError(f"{self._name} unpacks to more than {MAX_UNPACKED_BYTES} bytes")
        return content


def _json(content: bytes, package: str, name: str) -> Any:
    try:
        return parse_json(content)
    except JsonSyntaxError as fault:
        raise PackageError(f"{package}: {name}: {fault}") from None
