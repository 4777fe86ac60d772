"""Whether the reason of a work item is gone under given maps."""

from collections.abc import Mapping
from typing import Any

from ingest.journal.work_items import WorkItem
from ingest.mapping import Library
from ingest.mapping.centres import CentreRegister
from ingest.mapping.codes import CodeMap
from ingest.mapping.unidentified import is_identified_by_now


def holding_maps(library: Library, table: str) -> list[CodeMap]:
    """The code maps of a table that hold a message with a code they do not have."""
    maps = library.codes.maps.values()
    return [one for one in maps if one.table == table and one.unmapped == "hold"]


def resolves(library: Library, item: WorkItem) -> bool:
    """Whether the maps know now what they did not when the messages were held.

    Shape: only reasons that maps and register can mend are ever gone by themselves; a person releases
    the others.
    """
    parameters = item.parameters
    match item.reason:
        case "v2-code-unmapped":
            maps = holding_maps(library, str(parameters.get("table")))
            code, centre = str(parameters.get("local_code")), str(parameters.get("centre"))
            found = [library.codes.translate(code_map, code, centre) for code_map in maps]
            return bool(found) and all(found)
        case "v2-sender-unknown":
            sender = (str(parameters.get(name, "")) for name in ("application", "facility"))
            return library.register.of_sender(*sender) is not None
        case "v2-identity-missing":
            return is_identified_by_now(library.register, parameters, item.types)
        case "v2-number-of-another-centre":
            return _is_own_by_now(library.register, parameters)
        case "v2-message-unmapped":
            return library.of_type(*str(parameters.get("type")).partition("^")[::2]) is not None
    return False


def _is_own_by_now(register: CentreRegister, parameters: Mapping[str, Any]) -> bool:
    """Whether a hospital's line has the system now, or another one for a namespace that may have meant it."""
    centre = register.centres.get(str(parameters.get("centre")))
    system = str(parameters.get("system"))
    if centre is None:
        return False
    named = centre.authorities.keys() & set(str(parameters.get("namespaces", "")).split())
    known = register.patient_systems - register.own_patient_systems(centre)
    return bool(named) or system not in known
