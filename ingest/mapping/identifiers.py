"""Functions of the maps around identifiers: systems of assigning authorities, types, the French INS.

Source: HL7 v2.5.1 §2A.14 (CX), §2A.36 (HD), §2A.28 (EI); FR Core `fr-core-patient-ins`; RNIV (an INS
travels on a qualified identity only).
"""

import re
from typing import Any
from urllib.parse import quote

from ingest.hl7v2.segment import NULL
from ingest.mapping.authorities import INS_OIDS, OWN_KINDS, kind_by_address
from ingest.mapping.centres import SID
from ingest.mapping.context import Context
from ingest.mapping.functions import Compute, map_function
from ingest.mapping.view import View

V2_0203 = "http://terminology.hl7.org/CodeSystem/v2-0203"
FR_CORE_0203 = "https://hl7.fr/ig/fhir/core/CodeSystem/fr-core-cs-v2-0203"

PSEUDONYMS = f"{SID}/pseudonym/"
NATIONAL_PSEUDONYM = f"{PSEUDONYMS}national"
"""Systems of pseudonyms name the context they are valid in; the national one is valid everywhere."""
PSEUDONYMED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "PSEUDED"
}  # fmt: skip
ANONYMOUS = "ANON"
"""Table 0203: the number of a patient who is not named."""
URIS = "urn:ietf:rfc:3986"
"""The system of identifiers that are URIs themselves."""

OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s|]+")
OTHER_NAME = "another name of the authority, whose system stands already"


def _valued(text: str | None) -> str:
    return "" if text is None or text == NULL else text.strip()


def authority_system(context: Context, namespace: str, universal: str, kind: str) -> str | None:
    """The URI of an assigning authority.

    Shape: what the universal id is by its kind, where it has that form; else the namespace as the centre
    register knows it; else a system of the sending centre, so that two centres' numbers never fall together.
    """
    if (uri := universal_uri(universal, kind)) is not None:
        return uri
    if namespace:
        known = context.register.system_of(namespace, context.centre)
        return known or f"{SID}/{context.centre.id}/{quote(namespace, safe='')}"
    return f"{SID}/{context.centre.id}/{quote(universal, safe='')}" if universal else None


def universal_uri(universal: str, kind: str) -> str | None:
    """A universal id as a URI: ISO → `urn:oid:`, UUID → `urn:uuid:`, URI as it is.

    Shape: None for one that is not what its kind says; as a URI the server would refuse it. An OID of the
    national identity is one whatever its kind: under another system, what is asked of an INS would not hold.
    """
    kind = kind.upper()
    if universal in INS_OIDS or (kind == "ISO" and OID.fullmatch(universal)):
        return f"urn:oid:{universal}"
    if kind == "UUID" and _UUID.fullmatch(universal.lower()):
        return f"urn:uuid:{universal.lower()}"
    return universal if kind in {"URI", "URL"} and _URI.fullmatch(universal) else None


@map_function("authority_system")
def system_of_authority(context: Context, views: list[View], element: str) -> str | None:
    """An HD as the URI of an identifier system."""
    return _system(context, views, element, first=1)


@map_function("entity_system")
def system_of_entity(context: Context, views: list[View], element: str) -> str | None:
    """The URI of an EI's assigning authority (EI.2 to EI.4)."""
    return _system(context, views, element, first=2)


def _system(context: Context, views: list[View], element: str, *, first: int) -> str | None:
    for view in views:
        parts = [_valued(view.get(first + offset)) for offset in range(3)]
        system = authority_system(context, *parts)
        if system is None:
            continue
        namespace, universal, kind = parts
        universal_counts = bool(universal) and (
            not namespace or universal_uri(universal, kind) is not None
        )
        for offset, part in enumerate(parts):
            if part and universal_counts == (offset > 0):
                context.mapped(view.leaf(first + offset), element)
            elif part:
                context.kept(view.leaf(first + offset), OTHER_NAME)
        return system
    return None


@map_function("universal_identifier")
def universal_identifier(
    context: Context, views: list[View], element: str
) -> dict[str, Any] | None:
    """The universal id of an HD (HD.2, HD.3) as an identifier of who it names."""
    return _universal(context, views, element, first=2)


@map_function("other_name_of_authority")
def other_name_of_authority(
    context: Context, views: list[View], element: str
) -> dict[str, Any] | None:
    """The same of an authority whose namespace is the system; where the universal id is, it is said there."""
    others = [view for view in views if not _is_uri(view, 2)]
    return _universal(context, others, element, first=2)


@map_function("other_name_of_entity")
def other_name_of_entity(
    context: Context, views: list[View], element: str
) -> dict[str, Any] | None:
    """The same of an EI's authority (EI.3, EI.4)."""
    others = [view for view in views if not _is_uri(view, 3)]
    return _universal(context, others, element, first=3)


def _is_uri(view: View, first: int) -> bool:
    return universal_uri(_valued(view.get(first)), _valued(view.get(first + 1))) is not None


def _universal(
    context: Context, views: list[View], element: str, *, first: int
) -> dict[str, Any] | None:
    for view in views:
        universal, kind = _valued(view.get(first)), _valued(view.get(first + 1))
        if not universal:
            continue
        context.mapped(view.leaf(first), element)
        if kind:
            context.mapped(view.leaf(first + 1), element)
        uri = universal_uri(universal, kind)
        if uri is not None:
            return {"system": URIS, "value": uri}
        return {**({"type": {"text": kind}} if kind else {}), "value": universal}
    return None


def _centre_system(kind: str, context: Context) -> str:
    told = context.centre.kinds
    known = (
        system
        for system in context.centre.authorities.values()
        if told.get(system, kind_by_address(system)) == kind
    )
    return next(known, f"{SID}/{kind}/{context.centre.id}")


def _own_system(kind: str) -> Compute:
    """The system of a number: its authority, else what the sending centre numbers of that kind."""

    def system(context: Context, views: list[View], element: str) -> str | None:
        return system_of_entity(context, views, element) or _centre_system(kind, context)

    return system


for own_kind in OWN_KINDS:
    map_function(f"{own_kind}_system")(_own_system(own_kind))


@map_function("visit_system")
def visit_system(context: Context, views: list[View], element: str) -> str | None:
    """The system of a visit number: its authority, else the visits of the sending centre."""
    return system_of_authority(context, views, element) or _centre_system("visit", context)


@map_function("identifier_type")
def identifier_type(context: Context, views: list[View], element: str) -> dict[str, Any] | None:
    """The type of a CX: of the INS and of pseudonyms by their authority, else the code of table 0203."""
    for view in views:
        code = _valued(view.get(5))
        found = INS_OIDS.get(_valued(view.get(4, 2)))
        if found is not None and code != "NH":
            if code:
                context.mapped(view.leaf(5), element)
            return {"coding": [{"system": FR_CORE_0203, "code": found}]}
        if code:
            context.mapped(view.leaf(5), element)
            if code == ANONYMOUS and _is_pseudonym(context, view):
                return {"coding": [PSEUDONYMED]}
            return _type_of_table(context, code)
    return None


def _is_pseudonym(context: Context, view: View) -> bool:
    authority = authority_system(context, *(_valued(view.get(4, sub)) for sub in (1, 2, 3)))
    return authority is not None and authority.startswith(PSEUDONYMS)


def _type_of_table(context: Context, code: str) -> dict[str, Any]:
    """A code of table 0203 as a coding; one that FHIR's table does not have as text."""
    code_map = context.codes.maps["identifier-type"]
    known = context.codes.translate(code_map, code, context.centre.id)
    return {"coding": [known.as_fhir()]} if known else {"text": code}


@map_function("table_type")
def table_type(context: Context, views: list[View], element: str) -> dict[str, Any] | None:
    """An identifier type given alone (XCN.13, XON.7)."""
    for view in views:
        code = _valued(view.get(1))
        if code:
            context.mapped(view.leaf(1), element)
            return _type_of_table(context, code)
    return None


@map_function("identifier_use")
def identifier_use(_context: Context, views: list[View], _element: str) -> str | None:
    """FR Core: official for the INS, temp for a waiting number, usual for the number of the hospital."""
    for view in views:
        found = INS_OIDS.get(_valued(view.get(4, 2)))
        if found is not None and _valued(view.get(5)) != "NH":
            return {"INS-NIA": "temp", "INS-C": "secondary"}.get(found, "official")
        if _valued(view.get(5)) == "PI":
            return "usual"
    return None


@map_function("is_ins")
def is_ins(_context: Context, views: list[View], _element: str) -> str | None:
    """`ins` where one of the identifiers is a national identity other than the old INS-C."""
    return "ins" if any(carries_ins(view) for view in views) else None


def carries_ins(view: View) -> bool:
    """Whether a CX is a national health identity."""
    found = INS_OIDS.get(_valued(view.get(4, 2)))
    return found is not None and found != "INS-C" and _valued(view.get(5)) != "NH"


@map_function("practitioner_system")
def practitioner_system(context: Context, views: list[View], element: str) -> str | None:
    """The system of a practitioner's number from a CNN, whose authority is spread over CNN.9 to CNN.11."""
    return _system(context, views, element, first=9)
