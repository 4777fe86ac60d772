"""How far a patient's identity is established: PROV, RECUP, VALI or QUAL, derived from the message.

PID-32 of PAM.fr has no code for RECUP and QUAL. Two facts decide: the traits were retrieved from the
national service (an INS in PID-3, ZFD-5 = INSI or a query date in ZFD-6), and a document was checked
(PID-32 = VALI). Source: PAM.fr 2.11 (PID-32, ZFD), FR Core `fr-core-cs-identity-status`, RNIV.
"""

from typing import Any

from fhir_server.model.issues import warning
from ingest.mapping.context import Context
from ingest.mapping.functions import map_function
from ingest.mapping.identifiers import carries_ins
from ingest.mapping.view import View

IDENTITY_STATUS = "https://osteon.example/fhir/CodeSystem/identity-status"
PROVISIONAL_REASONS = frozenset({"DOUT", "FICT"})
"""Comments of PID-32 that forbid more than a provisional identity (FR Core invariants)."""

SAID_BY_THE_STATUS = frozenset({"PROV", "VALI"})


@map_function("identity_status")
def identity_status(context: Context, views: list[View], _element: str) -> str:
    """The status from PID-32, PID-3 and ZFD; a national identity on less than QUAL is reported."""
    codes = {view.get(1) for view in views}
    has_ins = any(carries_ins(view) for view in context.views("PID", 3))
    status = _status(codes, retrieved=has_ins or _queried(context))
    if has_ins and status != "QUAL":
        conflict = "PROV" in codes or bool(codes & PROVISIONAL_REASONS)
        issue_id = "v2-ins-provisional" if conflict else "v2-ins-not-qualified"
        issue = warning(issue_id, "business-rule", "Patient.identifier", status=status)
        if issue not in context.issues:
            context.issues.append(issue)
    return status


def _status(codes: set[str | None], *, retrieved: bool) -> str:
    if "PROV" in codes or codes & PROVISIONAL_REASONS:
        return "PROV"
    if "VALI" in codes:
        return "QUAL" if retrieved else "VALI"
    return "RECUP" if retrieved else "PROV"


def _queried(context: Context) -> bool:
    sources = {view.get(1) for view in context.views("ZFD", 5)}
    return "INSI" in sources or bool(context.views("ZFD", 6))


@map_function("identity_tag")
def identity_tag(context: Context, views: list[View], element: str) -> dict[str, Any]:
    """The status as a tag of the Patient; what a comment says beyond it is kept with the Provenance."""
    for view in views:
        if view.get(1) in SAID_BY_THE_STATUS:
            context.mapped(view.leaf(1), element)
    return {"system": IDENTITY_STATUS, "code": identity_status(context, views, element)}
