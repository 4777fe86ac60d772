"""HL7 v2 to FHIR: one message in, one transaction Bundle out, and the fate of every field.

Source: HL7 v2-to-FHIR STU1 (hl7.fhir.uv.v2mappings 1.0.0), row by row in `mappings/`.
"""

from typing import Any

from fhir_server.model.issues import error
from ingest.mapping.result import Fate, MappingResult, Stored

__all__ = ["Fate", "MappingResult", "Stored", "map_message"]


def map_message(message: Any, *, stored: Stored | None = None) -> MappingResult:  # noqa: ARG001 — the maps that need it follow
    """Translate a message (`ingest.hl7v2.Message`) into one FHIR transaction Bundle.

    Shape: without `stored` the Bundle rests on conditional create and update alone; with it,
    elements that the message leaves empty are kept, an older message never overwrites a newer one,
    and updates carry `ifMatch` (a 412 says: map again).
    Errors: none raised for what a sender can cause; see `MappingResult.held`.
    """
    return MappingResult(
        centre=None,
        bundle=None,
        held=(
            error("v2-message-unmapped", "not-supported", type=f"{message.type}_{message.trigger}"),
        ),
    )
