"""Which of two messages counts, of each resource and element: the keys that a merge compares.

Reports and what hangs on them count by status and time of issue, everything else by the time of the message.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ingest.mapping.assembly import Built
from ingest.mapping.matching import Found
from ingest.mapping.merge import Said, merged, number_name
from ingest.mapping.movements import MOVED, movement_key, movement_of
from ingest.mapping.timestamps import sortable
from ingest.mapping.withdrawal import TAKEN_BACK, reports_of

STAGES: Mapping[str, int] = {
    "registered": 0, "partial": 1, "preliminary": 1, "final": 3,
    "amended": 3, "appended": 3, "cancelled": 3, "corrected": 3, "entered-in-error": 4,
}  # fmt: skip
"""A report of an earlier stage never overwrites one of a later, whatever its time (preliminary after final).
Of one stage the later time of issue counts (OBR-22: when the status was entered or changed): a cancellation
(table 0123 X) takes back what was issued before it, and what is issued after it stands, be it a correction or
a result that could be had after all: of one that was never final, F is the only status to be had."""

CHANGES = frozenset({"amended", "appended", "cancelled", "corrected"})
"""What changes a report outdoes the report at the same moment: many senders leave OBR-22 as it was. Of two
changes with one time of issue the later message counts, and of two reports likewise."""

READING_RANKS: Mapping[str, int] = {"initial": 0, "expert": 1, "third": 2}


def message_keys(built: Sequence[Built], message_time: str) -> dict[str, str]:
    """The key of each resource: of reports and what hangs on them by status and time of issue."""
    keys: dict[str, str] = {}
    told = sortable(message_time)
    for one in built:
        reports = [report.resource for report in reports_of(one)]
        if reports:
            # What several reports of a message tell of counts as the last of them does.
            key_of = _tumour_key if one.plan.type == "Condition" else _report_key
            keys[one.full_url] = max(key_of(report, told) for report in reports)
        else:
            keys[one.full_url] = "" if one.plan.write == "create" else told
    return keys


def element_keys(one: Built, key: str, found: Found) -> dict[str, str]:
    """The keys of elements that do not rest on the time of the message.

    Shape: where a patient is, and in which state the stay is, is told by the latest movement (ZBE-2),
    not by the latest message: a historic movement that is told later moves nobody. An update of the
    patient (A08) says nothing of the state. A merge tells of each number whether it is in use. Elements that
    only fill gaps have none, the status of an identity among them where PID-32 is empty.
    """
    keys = dict.fromkeys(one.plan.fills, "")
    if one.plan.write == "merge":
        numbers = one.resource.get("identifier", ())
        keys.update({number_name(number): key for number in numbers})
    if one.plan.type == "Patient" and not _says_identity_status(one):
        keys["tag"] = ""
    if one.plan.type != "Encounter" or one.plan.write != "update":
        return keys
    movement = movement_of(one)
    if movement is not None and movement is not one:
        known = found.known.get(movement.full_url)
        standing = (
            movement.resource if known is None else merged(known, Said(movement.resource, key))
        )
        if by_movement := movement_key(standing, key):
            keys.update(dict.fromkeys(MOVED, by_movement))
    elif _is_update(one) and one.resource.get("status") != "finished":
        keys["status"] = ""
    return keys


def _says_identity_status(one: Built) -> bool:
    segment = one.scopes[0].visible().get("PID")
    return segment is not None and bool(segment.text(32))


PATIENT_UPDATES = frozenset({"A08", "A28", "A31"})


def _is_update(one: Built) -> bool:
    header = one.scopes[0].visible().get("MSH")
    return header is not None and header.text(9, 2) in PATIENT_UPDATES


def _report_key(report: Mapping[str, Any], told: str) -> str:
    status = str(report.get("status"))
    issued = sortable(str(report.get("issued", "")))
    return f"{STAGES.get(status, 0)}{issued}+{int(status in CHANGES)}{told}"


def _tumour_key(report: Mapping[str, Any], told: str) -> str:
    url = "https://osteon.example/fhir/StructureDefinition/reading-role"
    roles = [e["valueCode"] for e in report.get("extension", ()) if e["url"] == url]
    # What is taken back tells nothing of the tumour that another report tells otherwise.
    if report.get("status") in TAKEN_BACK:
        return f"00{told}"
    return f"{READING_RANKS.get(roles[0] if roles else '', 0)}{_report_key(report, told)}"
