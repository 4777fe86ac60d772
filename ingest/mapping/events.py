"""Functions of the maps that read what a message is about: its event, the kind of a report, units."""

from typing import Any
from urllib.parse import quote

from ingest.mapping.centres import SID
from ingest.mapping.context import Context
from ingest.mapping.functions import map_function
from ingest.mapping.view import View

V2_0003 = "http://terminology.hl7.org/CodeSystem/v2-0003"
NO_LONGER = "the event says that it no longer holds"
UPDATES = frozenset({"Z99"})
"""Events that update a movement; ZBE-6 names the event that made it (PAM.fr 2.11)."""


@map_function("trigger_event")
def trigger_event(context: Context, views: list[View], _element: str) -> str | None:
    """MSH-9.2; of an update or a historic movement the event that ZBE-6 names."""
    for view in views:
        event = view.get(2)
        if event not in UPDATES:
            return event
        original = context.views("ZBE", 6)
        return (original[0].get(1) if original else None) or event
    return None


@map_function("event_type")
def event_type(_context: Context, views: list[View], _element: str) -> dict[str, Any] | None:
    """The event as a type of the movement (table 0003); an update, which table 0003 lacks, says none."""
    event = views[0].get(2) if views else None
    if event is None or event in UPDATES:
        return None
    return {"coding": [{"system": V2_0003, "code": event}]}


@map_function("clear")
def clear(context: Context, views: list[View], element: str) -> None:
    """Nothing, and what stands in the element goes; a value that is sent nevertheless is kept."""
    context.cleared.add(element)
    for view in views:
        context.kept(view.whole(), NO_LONGER)


@map_function("report_kind")
def report_kind(context: Context, views: list[View], _element: str) -> str | None:
    """`pathology`, `molecular`, `laboratory`, `imaging` or `document`.

    Shape: by OBR-4, else by its section (OBR-24), else `laboratory` for another LOINC code, else by the
    sender: a pathology centre sends pathology. What is wrongly taken for pathology is held for what it
    lacks, never stored as something else.
    """
    if not views:
        return None
    return _kind(context, views[0])


def _kind(context: Context, view: View) -> str:
    kinds = context.codes.maps["report-kind"]
    for component in (1, 4):
        code = view.get(component)
        known = context.codes.translate(kinds, code, context.centre.id) if code else None
        if known is not None:
            return known.code
        own = context.codes.maps["report-code"]
        if code and context.codes.translate(own, code, context.centre.id) is not None:
            return "pathology"
    sections = context.views("OBR", 24)
    section = sections[0].get(1) if sections else None
    if section:
        by_section = context.codes.maps["report-section"].entries.get(section)
        return by_section.code if by_section else "laboratory"
    if view.get(3) == "LN":
        return "laboratory"
    return "laboratory" if context.centre.role == "clinical" else "pathology"


@map_function("unit_system")
def unit_system(context: Context, _views: list[View], _element: str) -> str:
    """The system of the unit codes of the sending centre."""
    return f"{SID}/unit/{quote(context.centre.id, safe='')}"
