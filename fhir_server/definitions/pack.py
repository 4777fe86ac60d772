"""The pack: conformance resources in one file, each read only when asked for.

Layout: the magic line, the size of the index in bytes (8 bytes, big-endian), the index (zlib over
JSON), then the resources, each zlib-compressed. The index gives for every resource its type, url,
offset and length, and what lists need without opening it.

HL7's package takes 0.7 s and 150 MB to load whole; from the pack a start costs a few milliseconds.
"""

import mmap
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from fhir_server.model.json_source import encode_json, parse_json

CORE_PACK_PATH = Path(__file__).parent / "data" / "hl7.fhir.r4.core-4.0.1.pack"
"""Where set-up puts the definitions of FHIR R4."""

MAGIC = b"osteon-pack-1\n"
_SIZE_BYTES = 8


class PackEntry(msgspec.Struct, array_like=True, frozen=True):
    """One line of the index: `kind`, `derivation` and `type` are filled for StructureDefinitions only;
    `bases` lists the resource types of a SearchParameter, `supplements` is what a CodeSystem adds to.
    """

    resource_type: str
    url: str
    version: str
    name: str
    offset: int
    length: int
    kind: str = ""
    derivation: str = ""
    type: str = ""
    bases: tuple[str, ...] = ()
    supplements: str = ""


SMALL, FAST = 9, 3
"""How a pack is compressed: for what is read often, and for what is loaded by hand and large."""


def write_pack(path: Path, resources: Iterable[dict[str, Any]], *, level: int = SMALL) -> int:
    """Write the resources to a pack; the number written. The file appears whole or not at all."""
    entries: list[PackEntry] = []
    blobs: list[bytes] = []
    offset = 0
    for resource in resources:
        blob = zlib.compress(encode_json(resource), level)
        entries.append(_entry(resource, offset, len(blob)))
        blobs.append(blob)
        offset += len(blob)
    index = zlib.compress(msgspec.json.encode(entries), 9)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        file.write(MAGIC)
        file.write(len(index).to_bytes(_SIZE_BYTES, "big"))
        file.write(index)
        file.writelines(blobs)
    draft.replace(path)
    return len(entries)


def _entry(resource: dict[str, Any], offset: int, length: int) -> PackEntry:
    is_structure = resource["resourceType"] == "StructureDefinition"
    return PackEntry(
        resource_type=resource["resourceType"],
        url=resource.get("url", ""),
        version=resource.get("version", ""),
        name=resource.get("name", ""),
        offset=offset,
        length=length,
        kind=resource.get("kind", "") if is_structure else "",
        derivation=resource.get("derivation", "") if is_structure else "",
        type=resource.get("type", "") if is_structure else "",
        bases=tuple(resource.get("base", ()))
        if resource["resourceType"] == "SearchParameter"
        else (),
        supplements=str(resource.get("supplements", "")),
    )


class Pack:
    """A pack opened for reading; safe to share between threads and forked processes.

    Errors: FileNotFoundError where there is none, ValueError where the file is no pack.
    """

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise ValueError(f"{path.name} is no definitions pack")
            size = int.from_bytes(file.read(_SIZE_BYTES), "big")
            index = zlib.decompress(file.read(size))
            self._start = file.tell()
            self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self.entries = msgspec.json.decode(index, type=list[PackEntry])

    def read(self, entry: PackEntry) -> dict[str, Any]:
        """The resource of an index entry."""
        start = self._start + entry.offset
        resource: dict[str, Any] = parse_json(
            zlib.decompress(self._bytes[start : start + entry.length])
        )
        return resource

    def __iter__(self) -> Iterator[PackEntry]:
        return iter(self.entries)
