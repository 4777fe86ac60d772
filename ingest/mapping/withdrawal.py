"""Reports that are taken back without being told again: a cancellation (OBR-25 X, ORC-1 CA) names the report,
and often nothing else.

Of its tumour nothing is asked then, nor what a profile asks of a report that says something: it stands in the
store, or comes with the message that is late. What the message does tell of the tumour is kept.
"""

from collections.abc import Mapping
from dataclasses import replace

from ingest.mapping.assembly import Assembly, Built, missing_elements
from ingest.mapping.scopes import Scope

TAKEN_BACK = frozenset({"cancelled", "entered-in-error"})
NOT_TOLD = "the report is taken back, and its tumour is not told again"
ASKED: Mapping[str, frozenset[str]] = {
    "report": frozenset({"identifier", "status", "code"}),
    "specimen": frozenset({"identifier"}),
    "observation": frozenset({"code", "status"}),
}
"""What is asked of each nevertheless."""


def leave_out_tumours(assembly: Assembly) -> None:
    """Leave out the tumours that reports which are taken back do not tell whole."""
    for report in assembly.of_plan("report"):
        if report.resource.get("status") not in TAKEN_BACK:
            continue
        for scope in report.scopes:
            tumour = scope.built.get("tumour")
            if tumour is not None and missing_elements(tumour.plan, tumour.resource):
                assembly.leave_out(tumour)
                assembly.context.keep_after_all(f"{tumour.label}.", NOT_TOLD)
                _ask_less(scope)


def _ask_less(case: Scope) -> None:
    found: dict[int, Built] = {
        id(one): one for scope in case.below() for one in scope.built.values()
    }
    for one in found.values():
        asked = ASKED.get(one.plan.name)
        if asked is not None:
            requires = {name: place for name, place in one.plan.requires.items() if name in asked}
            one.plan = replace(one.plan, requires=requires)
            one.resource.get("meta", {}).pop("profile", None)
