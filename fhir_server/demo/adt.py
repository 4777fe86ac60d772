"""Patient administration as French hospitals send it: identities and visits.

Source: IHE PAM, national extension for France (PAM.fr 2.11): PID-32 and ZFD for the identity, ZBE for
movements; A28 and A31 for identities, A01 and A04 for visits.
"""

from collections.abc import Iterator
from datetime import datetime, time, timedelta

from fhir_server.demo.centres import Centre
from fhir_server.demo.messages import (
    Header,
    V2Message,
    birth_date,
    message,
    name,
    patient_identifiers,
    sex,
    timestamp,
)
from fhir_server.demo.records import DemoPatient, Specimen
from fhir_server.demo.segments import Field, segment

VERSION = "2.5"
STRUCTURES = {"A28": "ADT_A05", "A31": "ADT_A05", "A01": "ADT_A01", "A04": "ADT_A01"}


def adt_messages(person: DemoPatient, home: Centre) -> Iterator[V2Message]:
    """Everything that the clinical centre sends about a patient, each kind in order of time."""
    first = datetime.combine(person.first_contact, time(8, 5))
    yield _identity(person, home, "A28", first, "A28")
    yield _visit(person, home, "A04", first + timedelta(minutes=12), 1)
    if person.identity_corrected:
        at = datetime.combine(person.identity_corrected, time(7, 45))
        yield _identity(person, home, "A31", at, "A31")
    for number, sample in enumerate(_operations(person), 2):
        at = sample.collected.replace(hour=7, minute=10)
        yield _visit(person, home, "A01", at, number)
    if person.died:
        yield _identity(person, home, "A31", datetime.combine(person.died, time(18, 30)), "A31D")


def _operations(person: DemoPatient) -> list[Specimen]:
    return [sample for tumour in person.tumours for sample in tumour.specimens if sample.resected]


def _identity(
    person: DemoPatient, home: Centre, trigger: str, at: datetime, event: str
) -> V2Message:
    segments = [
        _evn(home, at),
        _pid(person, home, at),
        segment("PV1", VERSION, {2: "N"}),
        *_zfd(person),
    ]
    return _message(person, home, trigger, at=at, event=event, segments=segments)


def _visit(person: DemoPatient, home: Centre, trigger: str, at: datetime, number: int) -> V2Message:
    visit = f"{at:%y}{person.identity.ipp[-7:]}{number}"
    authority = home.authority("nda").namespace
    admitted = timestamp(at, home)
    outpatient = trigger == "A04"
    segments = [
        _evn(home, at),
        _pid(person, home, at, account=(visit, "", "", authority, "AN")),
        segment(
            "PV1",
            VERSION,
            {
                2: "O" if outpatient else "I",
                3: ("CONSULT-ORTHO",) if outpatient else ("ORTHO-1", "", "", home.facility),
                19: (visit, "", "", authority, "VN"),
                44: admitted,
            },
        ),
        segment(
            "ZBE",
            VERSION,
            {
                1: (f"M{visit}", authority),
                2: admitted,
                4: "INSERT",
                5: "N",
                7: ("Orthopédie", "", "", "", "", home.facility, "UF", "", "", "4101"),
                9: "S",
            },
        ),
        *_zfd(person),
    ]
    event = f"{trigger}-{number}"
    return _message(person, home, trigger, at=at, event=event, segments=segments)


def _message(
    person: DemoPatient,
    home: Centre,
    trigger: str,
    *,
    at: datetime,
    event: str,
    segments: list[str],
) -> V2Message:
    header = Header(
        kind=("ADT", trigger, STRUCTURES[trigger]),
        control_id=f"{home.id}-{person.identity.ipp[-7:]}-{event}",
        at=at,
        version=(VERSION, "FRA", "2.11"),
        profile=("2.11", "IHE_FRANCE-2.11-PAM"),
        country="FRA",
    )
    return message(home, header, segments)


def _evn(home: Centre, at: datetime) -> str:
    return segment("EVN", VERSION, {2: timestamp(at, home), 6: timestamp(at, home)})


def _pid(person: DemoPatient, home: Centre, at: datetime, *, account: Field = "") -> str:
    dead = person.died is not None and person.died <= at.date()
    return segment(
        "PID",
        VERSION,
        {
            1: "1",
            3: patient_identifiers(person, home),
            5: name(person),
            7: birth_date(person, at),
            8: sex(person),
            18: account,
            29: f"{person.died:%Y%m%d}" if dead else "",
            30: "Y" if dead else "",
            32: "VALI" if person.identity.ins else "PROV",
        },
    )


def _zfd(person: DemoPatient) -> tuple[str, ...]:
    """How the INS was obtained: by a query on the day of the first contact, with an identity card."""
    if not person.identity.ins:
        return ()
    asked = f"{person.first_contact:%Y%m%d}"
    return (segment("ZFD", VERSION, {5: "INSI", 6: asked, 7: "CN"}),)
