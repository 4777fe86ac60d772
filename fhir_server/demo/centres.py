"""The centre register, `mappings/centres.csv`, as the demo needs it.

Shape: one centre a line; lists in a cell are separated by spaces, identifier authorities are written
`NAMESPACE=system`.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

CODECS: Mapping[str, str] = {
    "UNICODE UTF-8": "utf-8",
    "8859/1": "iso8859-1",
    "8859/15": "iso8859-15",
    "": "ascii",
}
"""HL7 table 0211, as far as the register uses it, to Python codecs."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Who assigns an identifier: `namespace` in HL7 v2, `system` in FHIR."""

    namespace: str
    system: str


@dataclass(frozen=True, slots=True)
class Centre:
    """A centre of the network."""

    id: str
    label: str
    role: str
    application: str
    facility: str
    charset: str
    zone: ZoneInfo
    authorities: tuple[Authority, ...]
    valid_from: str

    @property
    def codec(self) -> str:
        """Python's name of the character set."""
        return CODECS[self.charset]

    def authority(self, kind: str) -> Authority:
        """The authority for `ipp`, `nda`, `report`, `specimen` or `tumour`, as named in its system."""
        for authority in self.authorities:
            if kind in authority.system.split("/"):
                return authority
        raise LookupError(f"centre {self.id} of the register has no identifier system for {kind}")


def load_centres(path: Path | None = None) -> dict[str, Centre]:
    """The register by centre id, in its own order."""
    with (path or _register_path()).open(encoding="utf-8", newline="") as lines:
        return {row["id"]: _centre(row) for row in csv.DictReader(lines)}


def _register_path() -> Path:
    package = Path(__file__).parent.parent
    packaged = package / "data" / "mappings" / "centres.csv"
    return packaged if packaged.exists() else package.parent / "mappings" / "centres.csv"


def _centre(row: Mapping[str, str]) -> Centre:
    pairs = (pair.partition("=") for pair in row["authorities"].split())
    return Centre(
        id=row["id"],
        label=row["label"],
        role=row["role"],
        application=row["sending_applications"].split()[0],
        facility=row["sending_facilities"].split()[0],
        charset=row["charset"],
        zone=ZoneInfo(row["time_zone"]),
        authorities=tuple(Authority(namespace, system) for namespace, _, system in pairs),
        valid_from=row["valid_from"],
    )
