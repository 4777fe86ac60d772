"""$versions: the versions of FHIR this server speaks.

Source: https://hl7.org/fhir/R4/capabilitystatement-operation-versions.html
"""

from typing import Any


def versions() -> dict[str, Any]:
    """One version, which is the default."""
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "version", "valueCode": "4.0"},
            {"name": "default", "valueCode": "4.0"},
        ],
    }
