"""What nothing identifies: why, and whether the centre register identifies it by now.

A number of a patient that is typed MR, or not at all, counts under the authorities of the register only
(`patient_numbers.py`). The systems of those that a message had are told with the reason, without the numbers,
so that its worklist item is known to be resolved once the register has one of them. What other resources lack
is the sender's to mend.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from fhir_server.model.issues import Issue, error
from ingest.mapping.centres import SID, Centre, CentreRegister
from ingest.mapping.context import Context
from ingest.mapping.patient_numbers import is_perhaps_ipp, trusted_systems
from ingest.mapping.plans import ResourcePlan

MOST_SYSTEMS = 8
NO_AUTHORITY = "-"
"""Stands for numbers without an assigning authority."""


def unidentified(context: Context, plan: ResourcePlan, target: Mapping[str, Any]) -> Issue:
    """The reason to hold a message of which a resource has no identity."""
    told = {"resource": plan.name}
    if plan.type == "Patient":
        numbers = filter(is_perhaps_ipp, target.get("identifier", ()))
        systems = sorted({str(number.get("system", NO_AUTHORITY)) for number in numbers})
        told |= {"centre": context.centre.id, "systems": " ".join(systems[:MOST_SYSTEMS])}
    return error("v2-identity-missing", "required", plan.type, **told)


def is_identified_by_now(register: CentreRegister, parameters: Mapping[str, Any]) -> bool:
    """Whether one of the systems that an item's messages have is, under a register, one of patients."""
    centre = register.centres.get(str(parameters.get("centre")))
    if centre is None:
        return False
    trusted = trusted_systems(register, centre, of_hospital=centre.role != "pathology")
    systems = str(parameters.get("systems", "")).split()
    return any(meant in trusted for one in systems for meant in _meant(one, register, centre))


def _meant(system: str, register: CentreRegister, centre: Centre) -> list[str | None]:
    """What a system of an item is under a register, which may know the namespace that it was made of."""
    if system == NO_AUTHORITY:
        named = (one.decode().partition("&")[0] for one in centre.quirks.authorities.values())
        return [register.system_of(namespace, centre) for namespace in named]
    made = f"{SID}/{quote(centre.id, safe='')}/"
    namespace = unquote(system.removeprefix(made)) if system.startswith(made) else ""
    return [register.system_of(namespace, centre) if namespace else system]
