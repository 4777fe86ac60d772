"""Which numbers are the hospital's numbers of its patients (IPP), and whose patients a centre may speak of.

Software of other countries types them MR (table 0203: medical record number) or not at all. Then the centre
register decides: under an authority that it knows for numbers of patients, the number is one. A hospital has
to be that authority itself: a namespace such as its software's name may be that of another hospital too, and
would join the records of different patients. For the same reason a hospital's number typed PI is held where
other lines of the register have its system and the hospital's own has not, unless one of its own stands
beside it: who gives both knows which is whose. No hospital retires the numbers of another. A laboratory sends
the numbers of those who asked it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fhir_server.model.issues import Issue, error
from ingest.mapping.authorities import INS_OIDS
from ingest.mapping.centres import Centre, CentreRegister
from ingest.mapping.context import Context
from ingest.mapping.functions import map_function
from ingest.mapping.identifiers import (
    V2_0203,
    authority_system,
    identifier_type,
    identifier_use,
)
from ingest.mapping.view import View

MEDICAL_RECORD = "MR"


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
    if not _is_perhaps_ipp(view):
        return False
    # By the system that is stored, not by the namespace beside it: an OID that the register does not know
    # may be that of two hospitals.
    of_hospital = _is_of_hospital(context)
    trusted = trusted_systems(context.register, context.centre, of_hospital=of_hospital)
    return _system_of(context, view) in trusted


def _is_perhaps_ipp(view: View) -> bool:
    """Whether a number would be the hospital's if the register had its authority: typed MR, or not at all."""
    return (view.get(5) or "") in {"", MEDICAL_RECORD} and view.get(4, 2) not in INS_OIDS


def _system_of(context: Context, view: View) -> str | None:
    authority = (view.get(4, subcomponent) or "" for subcomponent in (1, 2, 3))
    return authority_system(context, *authority)


def systems_of_perhaps_ipp(context: Context) -> set[str | None]:
    """The systems of the numbers in PID-3 that are no IPP because the register does not have them."""
    views = context.views("PID", 3)
    return {_system_of(context, one) for one in views if one.get(1) and _is_perhaps_ipp(one)}


def trusted_systems(
    register: CentreRegister, centre: Centre, *, of_hospital: bool
) -> frozenset[str]:
    """Where a centre's numbers of patients are: a hospital's in its own line, a laboratory's in any."""
    return register.own_patient_systems(centre) if of_hospital else register.patient_systems


def numbers_of_others(
    context: Context, identifiers: Sequence[Mapping[str, Any]]
) -> Iterator[Issue]:
    """Numbers that a hospital sends as a patient's and that, by the register, another centre gives: where
    none of its own stands beside them, or where they are retired.
    """
    if not _is_of_hospital(context):
        return
    register, centre = context.register, context.centre
    own = register.own_patient_systems(centre)
    numbers = [one for one in identifiers if _is_typed(one, "PI")]
    if any(one.get("system") in own for one in numbers):
        numbers = [one for one in numbers if one.get("use") == "old"]
    for system in dict.fromkeys(str(one.get("system")) for one in numbers):
        if system in register.patient_systems and system not in own:
            # A name that the hospital's own line has would have meant its own system.
            names = sorted(register.namespaces_of(system) - centre.authorities.keys())
            told = {"centre": centre.id, "system": system, "namespaces": " ".join(names)}
            yield error("v2-number-of-another-centre", "conflict", "Patient.identifier", **told)


def _is_typed(identifier: Mapping[str, Any], code: str) -> bool:
    codings = identifier.get("type", {}).get("coding", ())
    return any(one.get("system") == V2_0203 and one.get("code") == code for one in codings)


def is_of_hospital(centre: Centre, message_type: str) -> bool:
    """Whether a hospital tells of its patients: what a clinical centre sends, and the admissions (ADT) of one
    that is a laboratory too.
    """
    return centre.role == "clinical" or (centre.role == "both" and message_type == "ADT")


def _is_of_hospital(context: Context) -> bool:
    header = context.views("MSH", 9)
    return is_of_hospital(context.centre, (header[0].get(1) if header else None) or "")
