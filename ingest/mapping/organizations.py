"""The centres as FHIR Organizations, for the set-up of a server."""

from collections.abc import Iterable, Iterator
from typing import Any

from fhir_server.settings import load_settings
from ingest.mapping.centres import SID, Centre, load_centres
from ingest.mapping.library import mappings_folder

CENTRE_ROLE = "https://osteon.example/fhir/StructureDefinition/centre-role"


def organization(centre: Centre) -> dict[str, Any]:
    """One centre as an Organization; its FINESS is fictitious and stands under a system of our own."""
    period = {"start": centre.valid_from, "end": centre.valid_to}
    valued = {name: value for name, value in period.items() if value}
    parts: list[dict[str, Any]] = [{"url": "role", "valueCode": centre.role}]
    if valued:
        parts.append({"url": "period", "valuePeriod": valued})
    return {
        "resourceType": "Organization",
        "meta": {"profile": ["https://osteon.example/fhir/StructureDefinition/network-centre"]},
        "extension": [{"url": CENTRE_ROLE, "extension": parts}],
        "identifier": [
            {"system": f"{SID}/{kind}", "value": value}
            for kind, value in (("centre", centre.id), ("finess-fictif", centre.finess))
            if value
        ],
        "active": True,
        "name": centre.label,
    }


def organizations_bundle(centres: Iterable[Centre]) -> dict[str, Any]:
    """The transaction that brings the register into a store: conditional updates, safe to repeat."""
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": list(_entries(centres)),
    }


def _entries(centres: Iterable[Centre]) -> Iterator[dict[str, Any]]:
    for centre in centres:
        yield {
            "fullUrl": f"urn:osteon:centre:{centre.id}",
            "resource": organization(centre),
            "request": {"method": "PUT", "url": centre.reference},
        }


def register_bundle() -> dict[str, Any]:
    """The transaction for the register of the settings: the set-up step of a server."""
    folder = load_settings().mappings_dir or mappings_folder()
    return organizations_bundle(load_centres(folder / "centres.csv").centres.values())
