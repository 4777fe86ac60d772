"""Reports that are taken back without being told again: a cancellation (OBR-25 X, ORC-1 CA) names the report,
and often nothing else.

Of its tumour nothing is asked then, nor what a profile asks of a report that says something: it stands in the
store, or comes with the message that is late. What the message does tell of the tumour is kept.
"""

from collections.abc import Mapping
from dataclasses import replace

from ingest.mapping.assembly import Assembly, Built, missing_elements

TAKEN_BACK = frozenset({"cancelled", "entered-in-error"})
NOT_TOLD = "the report is taken back, and its tumour is not told again"
ASKED: Mapping[str, frozenset[str]] = {
    "report": frozenset({"identifier", "status", "code"}),
    "specimen": frozenset({"identifier"}),
    "observation": frozenset({"code", "status"}),
}
"""What is asked of each nevertheless."""


def reports_of(one: Built) -> list[Built]:
    """The reports of the message that tell of a resource, themselves among them."""
    nearest = (scope.resource("report") for scope in one.scopes)
    return [*dict.fromkeys(report for report in nearest if report is not None)]


def leave_out_tumours(assembly: Assembly) -> None:
    """Leave out the tumours of which nothing tells but reports that are taken back, and not whole."""
    for tumour in assembly.of_plan("tumour"):
        if _is_taken_back(tumour) and missing_elements(tumour.plan, tumour.resource):
            assembly.leave_out(tumour)
            for label in tumour.labels:
                assembly.context.keep_after_all(f"{label}.", NOT_TOLD)


def ask_less(assembly: Assembly) -> None:
    """Ask what such reports must tell only, of them and of what no other report tells of."""
    if not any(map(_is_taken_back, assembly.of_plan("report"))):
        return
    for one in assembly.built:
        asked = ASKED.get(one.plan.name)
        if asked is None or not _is_taken_back(one) or _is_told_whole(one):
            continue
        requires = {name: place for name, place in one.plan.requires.items() if name in asked}
        one.plan = replace(one.plan, requires=requires)
        one.missing = missing_elements(one.plan, one.resource)
        one.resource.get("meta", {}).pop("profile", None)


def _is_taken_back(one: Built) -> bool:
    reports = reports_of(one)
    return bool(reports) and all(report.resource.get("status") in TAKEN_BACK for report in reports)


def _is_told_whole(one: Built) -> bool:
    return not one.missing and any(scope.resource("tumour") for scope in one.scopes)
