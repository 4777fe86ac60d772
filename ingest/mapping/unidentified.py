"""What nothing identifies: why, and whether the centre register identifies it by now.

A number of a patient that is typed MR, or not at all, counts under the authorities of the register only
(`patient_numbers.py`). The systems of those that a message had are told with the reason, without the numbers,
so that its worklist item is known to be resolved once the register has one of them. What other resources lack
is the sender's to mend.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from fhir_server.model.issues import Issue, error
from ingest.hl7v2.mending import Place
from ingest.mapping.centres import SID, Centre, CentreRegister
from ingest.mapping.context import Context
from ingest.mapping.identifiers import universal_uri
from ingest.mapping.patient_numbers import is_of_hospital, systems_of_perhaps_ipp, trusted_systems
from ingest.mapping.plans import ResourcePlan

MOST_SYSTEMS = 8
NO_AUTHORITY = "-"
"""Stands for numbers without an assigning authority."""
PID_3: Place = ("PID", 3, 0)


def unidentified(context: Context, plan: ResourcePlan) -> Issue:
    """The reason to hold a message of which a resource has no identity."""
    told = {"resource": plan.name}
    if plan.type == "Patient":
        systems = sorted(system or NO_AUTHORITY for system in systems_of_perhaps_ipp(context))
        told |= {"centre": context.centre.id, "systems": " ".join(systems[:MOST_SYSTEMS])}
    return error("v2-identity-missing", "required", plan.type, **told)


def is_identified_by_now(
    register: CentreRegister, parameters: Mapping[str, Any], types: Sequence[str]
) -> bool:
    """Whether one of the systems that an item's messages, of some types, have is one of patients by now."""
    centre = register.centres.get(str(parameters.get("centre")))
    if centre is None:
        return False
    of_hospital = any(is_of_hospital(centre, one.partition("^")[0]) for one in types)
    trusted = trusted_systems(register, centre, of_hospital=of_hospital)
    systems = str(parameters.get("systems", "")).split()
    return any(meant in trusted for one in systems for meant in _meant(one, register, centre))


def _meant(system: str, register: CentreRegister, centre: Centre) -> list[str | None]:
    """What a system of an item is under a register, which may know the namespace that it was made of, and the
    authority that a quirk gives to numbers without one.
    """
    if system == NO_AUTHORITY:
        given = [one.decode() for place, one in centre.quirks.authorities.items() if place == PID_3]
        return [_assigned(one, register, centre) for one in given]
    made = f"{SID}/{quote(centre.id, safe='')}/"
    namespace = unquote(system.removeprefix(made)) if system.startswith(made) else ""
    return [register.system_of(namespace, centre) if namespace else system]


def _assigned(authority: str, register: CentreRegister, centre: Centre) -> str | None:
    """The system of an HD that a quirk writes into CX.4."""
    namespace, universal, kind, *_ = [*authority.split("&"), "", ""]
    return universal_uri(universal, kind) or register.system_of(namespace, centre)
