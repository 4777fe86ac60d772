"""A report with an addendum: NAACCR Volume V sends it as a further OBR of the same report number.

Source: NAACCR Standards for Cancer Registries, Volume V: OBR-4 35265-8 (addendum) and 60569-1 (synoptic
addendum); FHIR R4 https://hl7.org/fhir/R4/valueset-diagnostic-report-status.html: appended.
"""

from datetime import datetime
from typing import Any

from ingest.mapping.assembly import Assembly
from ingest.mapping.finishing import finishing_step
from ingest.mapping.scopes import Scope
from ingest.mapping.timestamps import UnreadableError, fhir_instant

ADDENDA = frozenset({"35265-8", "60569-1"})
ISSUED = frozenset({"F", "C"})
"""OBR-25 of an addendum that stands: before, it has added nothing."""


@finishing_step("addendum")
def addendum(assembly: Assembly, scope: Scope, target: dict[str, Any], label: str) -> None:
    """A final report with an addendum is appended, and issued when the last of its parts was."""
    for below in scope.below():
        for segment in below.named("OBR"):
            if _text(segment, 4) not in ADDENDA or _text(segment, 25) not in ISSUED:
                continue
            if target.get("status") == "final":
                target["status"] = "appended"
                _mapped(assembly, segment, 4, f"{label}.status")
            issued = _issued(assembly, segment)
            if issued and _is_later(issued, target.get("issued")):
                target["issued"] = issued
                _mapped(assembly, segment, 22, f"{label}.issued")


def _issued(assembly: Assembly, segment: Any) -> str | None:
    try:
        return fhir_instant(_text(segment, 22) or "", assembly.context.centre.zone)
    except UnreadableError:
        return None


def _is_later(moment: str, than: str | None) -> bool:
    return than is None or datetime.fromisoformat(moment) > datetime.fromisoformat(than)


def _text(segment: Any, field: int) -> str | None:
    repetitions = segment.field(field)
    return repetitions[0].component(1) if repetitions else None


def _mapped(assembly: Assembly, segment: Any, field: int, element: str) -> None:
    assembly.context.mapped((segment.index, field, 1, 1, 1), element)
