"""The identifier authorities of a centre's line: which system a namespace means, and what is numbered there.

Shape: `NAMESPACE=system`, separated by spaces; `NAMESPACE=kind` likewise, for systems whose address does not
tell the kind by one of its parts (`…/sid/nda/C01`), as an OID never does.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from fhir_server.model.issues import because
from ingest.mapping.yaml_source import MapError

INS_OIDS: Mapping[str, str] = MappingProxyType(
    {
        "1.2.250.1.213.1.4.8": "INS-NIR",
        "1.2.250.1.213.1.4.9": "INS-NIA",
        "1.2.250.1.213.1.4.10": "INS-NIR-TEST",
        "1.2.250.1.213.1.4.11": "INS-NIR-DEMO",
        "1.2.250.1.213.1.4.2": "INS-C",
    }
)
"""OID of the assigning authority → FR Core identifier type. CX.5 says no more than INS."""
INS_NAMES = frozenset({"INS", "INS-NIR", "INS-NIA"})
"""CX.5 of an INS. Without its OID it is not known to be one, nor of which kind."""
INS_SYSTEMS = frozenset(f"urn:oid:{oid}" for oid in INS_OIDS)

OWN_KINDS = (
    "report", "specimen", "order", "observation", "diagnosis", "procedure", "movement", "document",
    "appointment",
)  # fmt: skip
"""What centres number by themselves, each with a function `<kind>_system` of the maps."""
PATIENTS = "ipp"
OTHER_KINDS = frozenset({*OWN_KINDS, "nda", "pseudonym", "tumour", "visit"})
KINDS = (PATIENTS, *sorted(OTHER_KINDS))

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")
_NATIONAL = re.compile(r"(?:ASIP-SANTE-)?(INS(?:-C|-NIA|-NIR(?:-TEST|-DEMO)?)?)", re.IGNORECASE)
"""Names of the national identity (INS), as the ANS writes them in CX.4.1."""


def read_authorities(cell: str, file: str, line: int) -> dict[str, str]:
    """The system of each namespace.

    Errors: MapError for what is no `NAMESPACE=system`, and for a name of the national identity that would
    mean a system of something else.
    """
    entries = [entry.partition("=") for entry in cell.split()]
    if not all(sign and _URI.match(system) for _, sign, system in entries):
        raise MapError(file, line, because("because-authorities"))
    for namespace, _, system in entries:
        national = _NATIONAL.fullmatch(namespace)
        systems = _national_systems(national[1].upper()) if national else [system]
        if system not in systems:
            expected = f"{namespace}={f', {namespace}='.join(systems)}"
            raise MapError(file, line, because("because-national-authority", expected=expected))
    return {namespace: system for namespace, _, system in entries}


def _national_systems(name: str) -> list[str]:
    return [f"urn:oid:{oid}" for oid, kind in INS_OIDS.items() if f"{kind}-".startswith(f"{name}-")]


def read_kinds(cell: str, authorities: Mapping[str, str], file: str, line: int) -> dict[str, str]:
    """What is numbered under each system that the line tells of.

    Errors: MapError for an unknown kind, or a namespace that the line has no system for.
    """
    entries = [entry.partition("=") for entry in cell.split()]
    if not all(namespace in authorities and kind in KINDS for namespace, _, kind in entries):
        raise MapError(file, line, because("because-kinds", kinds=", ".join(KINDS)))
    return {authorities[namespace]: kind for namespace, _, kind in entries}


def kind_by_address(system: str) -> str:
    """The kind that one of the parts of an address names; empty where none does."""
    return next((part for part in system.split("/") if part in KINDS), "")
