"""Which numbers of PID-3 and MRG-1 are the hospital's numbers of its patients (IPP) without being typed PI.

Software of other countries types them MR (table 0203: medical record number) or not at all. Then the centre
register decides: under an authority that it knows for numbers of patients, the number is one. A hospital has
to be that authority itself: a namespace such as its software's name may be that of another hospital too, and
would join the records of different patients. A laboratory sends the numbers of others.
"""

from typing import Any

from ingest.mapping.context import Context
from ingest.mapping.functions import map_function
from ingest.mapping.identifiers import (
    INS_OIDS,
    OWN_KINDS,
    V2_0203,
    authority_system,
    identifier_type,
    identifier_use,
)
from ingest.mapping.view import View

MEDICAL_RECORD = "MR"
OTHER_KINDS = frozenset({*OWN_KINDS, "nda", "pseudonym", "tumour", "visit"})
"""Path segments of the systems in the register that are no numbers of patients."""
INS_SYSTEMS = frozenset(f"urn:oid:{oid}" for oid in INS_OIDS)
"""Nor are these of a hospital, though a register may give them a namespace."""


@map_function("patient_number_type")
def patient_number_type(context: Context, views: list[View], element: str) -> dict[str, Any] | None:
    """The type of a CX in a list of patient numbers; one that the register makes an IPP is a PI too."""
    told: dict[str, Any] | None = identifier_type(context, views, element)
    if not any(_is_made_ipp(context, view) for view in views):
        return told
    codings = told.get("coding", []) if told else []
    return {"coding": [{"system": V2_0203, "code": "PI"}, *codings]}


@map_function("patient_number_use")
def patient_number_use(context: Context, views: list[View], element: str) -> str | None:
    """The use of such a CX: usual for the number of the hospital."""
    if any(_is_made_ipp(context, view) for view in views):
        return "usual"
    use: str | None = identifier_use(context, views, element)
    return use


def _is_made_ipp(context: Context, view: View) -> bool:
    if (view.get(5) or "") not in {"", MEDICAL_RECORD} or view.get(4, 2) in INS_OIDS:
        return False
    namespace = view.get(4) or ""
    system = context.register.system_of(namespace, context.centre) or authority_system(
        context, "", view.get(4, 2) or "", view.get(4, 3) or ""
    )
    centre = context.centre
    trusted = centre.authorities.values() if centre.role == "clinical" else context.register.systems
    is_other = system in INS_SYSTEMS or OTHER_KINDS & set(str(system).split("/"))
    return system in trusted and not is_other
