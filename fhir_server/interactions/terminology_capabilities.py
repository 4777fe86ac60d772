"""terminology capabilities: what the terminology operations know and take, made from what is loaded.

Source: https://hl7.org/fhir/R4/terminology-service.html, https://hl7.org/fhir/R4/terminologycapabilities.html
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from fhir_server import __version__
from fhir_server.definitions import Definitions
from fhir_server.interactions.server import FhirServer
from fhir_server.terminology.operations.expand import TAKES as EXPANSION_PARAMETERS

Resource = dict[str, Any]

RELEASED = "2026-11-22"


@lru_cache(maxsize=4)
def terminology_capabilities(server: FhirServer) -> Resource:
    """The TerminologyCapabilities of this server. Cost: reads every code system, once."""
    return {
        "resourceType": "TerminologyCapabilities",
        "id": "osteon",
        "url": f"{server.base_url}/metadata?mode=terminology",
        "version": __version__,
        "name": "OsteonTerminology",
        "title": "Osteon, terminology service",
        "status": "active",
        "date": RELEASED,
        "kind": "instance",
        "software": {"name": "Osteon", "version": __version__},
        "implementation": {"description": "Osteon", "url": server.base_url},
        "lockedDate": False,
        "codeSystem": list(described_code_systems(server.definitions)),
        "expansion": {
            "hierarchical": True,
            "paging": True,
            "incomplete": False,
            "parameter": [{"name": name} for name in sorted(EXPANSION_PARAMETERS)],
            "textFilter": "Each word stands in code, display or designation; case and accents do not count.",
        },
        "codeSearch": "all",
        "validateCode": {"translations": True},
        "translation": {"needsMap": True},
    }


def described_code_systems(definitions: Definitions) -> Iterator[Resource]:
    """The code systems whose codes are known, in part at least, with each of their versions."""
    for url in sorted(definitions.urls("CodeSystem")):
        default = definitions.code_system(url)
        known = [default] if default is not None else []
        for version in definitions.versions("CodeSystem", url):
            other = definitions.code_system(f"{url}|{version}") if version else None
            if other is not None and other not in known:
                known.append(other)
        versions = [
            _version(one, is_default=one is default)
            for one in known
            if one.get("content") not in {"not-present", "supplement"}
        ]
        if versions:
            stated = [version for version in versions if version]
            yield {"uri": url, **({"version": stated} if stated else {}), "subsumption": True}


def _version(resource: Resource, *, is_default: bool) -> Resource:
    version: Resource = {
        "code": resource.get("version"),
        "isDefault": is_default if resource.get("version") else None,
        "compositional": resource.get("compositional"),
        "language": [resource["language"]] if "language" in resource else None,
        "filter": [
            {"code": one["code"], "op": one["operator"]}
            for one in resource.get("filter", ())
            if "code" in one and one.get("operator")
        ],
        "property": [one["code"] for one in resource.get("property", ()) if "code" in one],
    }
    return {name: value for name, value in version.items() if value not in (None, [])}
