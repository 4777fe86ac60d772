"""HL7 v2 messages: what every message of a centre begins with, and its bytes.

Source: HL7 v2.5.1 §2.15.9 (MSH); PAM.fr 2.11 (header of French messages); NAACCR Volume V.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fhir_server.demo.centres import Centre
from fhir_server.demo.records import DemoPatient
from fhir_server.demo.segments import Field, Repetition, segment

TRAINING = "T"
"""MSH-11: identities of the demonstration OID must never be sent as production."""

INS_AUTHORITY = ("ASIP-SANTE-INS-NIR", "1.2.250.1.213.1.4.11", "ISO")


@dataclass(frozen=True, slots=True)
class V2Message:
    """A message ready to be framed.

    Shape: `kind` its type and trigger (`ADT^A28`); `at` local time of the sending centre.
    """

    kind: str
    centre: str
    control_id: str
    at: datetime
    content: bytes


@dataclass(frozen=True, slots=True)
class Header:
    """What differs between the MSH of messages of one centre."""

    kind: tuple[str, str, str]
    control_id: str
    at: datetime
    version: Repetition
    profile: Repetition
    country: str = ""


def message(centre: Centre, header: Header, segments: Iterable[str]) -> V2Message:
    """The message with its MSH, in the character set of the centre."""
    lines = (_msh(centre, header), *segments)
    return V2Message(
        kind="^".join(header.kind[:2]),
        centre=centre.id,
        control_id=header.control_id,
        at=header.at,
        content="".join(f"{line}\r" for line in lines).encode(centre.codec),
    )


def _msh(centre: Centre, header: Header) -> str:
    version = header.version if isinstance(header.version, str) else str(header.version[0])
    return segment(
        "MSH",
        version,
        {
            3: centre.application,
            4: centre.facility,
            5: "OSTEON",
            6: "RESEAU-SARCOME-OSSEUX",
            7: timestamp(header.at, centre),
            9: header.kind,
            10: header.control_id,
            11: TRAINING,
            12: header.version,
            17: header.country,
            18: centre.charset,
            21: header.profile,
        },
    )


def timestamp(at: datetime, centre: Centre) -> str:
    """A v2 TS with the offset of the centre."""
    return at.replace(tzinfo=centre.zone).strftime("%Y%m%d%H%M%S%z")


def patient_identifiers(person: DemoPatient, home: Centre) -> list[Repetition]:
    """PID-3: the number of the clinical centre, and the INS where there is one."""
    identity = person.identity
    identifiers: list[Repetition] = [(identity.ipp, "", "", home.authority("ipp").namespace, "PI")]
    if identity.ins:
        identifiers.append((identity.ins, "", "", INS_AUTHORITY, "INS"))
    return identifiers


def birth_date(person: DemoPatient, at: datetime) -> str:
    """PID-7 as it was known at that moment."""
    return person.birth_date_known_on(at.date()).replace("-", "")


def name(person: DemoPatient) -> Field:
    """PID-5: the name at birth (L), all given names where there are several; the name in use (D)."""
    identity = person.identity
    first, *further = identity.given_names
    every = " ".join(identity.given_names) if further else ""
    names: list[Repetition] = [(identity.family_name, first, every, "", "", "", "L")]
    if identity.used_name:
        names.append((identity.used_name, first, "", "", "", "", "D"))
    return names


def sex(person: DemoPatient) -> str:
    """PID-8, HL7 table 0001."""
    return "M" if person.identity.sex == "male" else "F"
