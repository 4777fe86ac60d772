"""The synthetic network: who its patients are and what happened to them.

Pure: nothing is read, sent or drawn outside the stream of the patient. The centres come from the
register, so that patient 17 of seed 1 is treated in the centre that stands at the same place of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta

from fhir_server.demo.centres import Centre
from fhir_server.demo.course import tumour
from fhir_server.demo.entities import ENTITIES, Entity
from fhir_server.demo.person import identity
from fhir_server.demo.records import Delivery, DemoPatient, Identity, Tumour
from fhir_server.demo.stream import Stream

FIRST_DIAGNOSIS = date(2020, 3, 1)
LAST_DIAGNOSIS = date(2025, 1, 31)
CUT_OFF = date(2025, 9, 30)
"""No event lies after this day: the network is the same whenever it is made."""

SECOND_TUMOUR = 0.025
"""Share of patients with two primary tumours.

Source: 8098 tumours in 7953 patients, public page of the French network (24 May 2024)."""

DELIVERIES: tuple[tuple[Delivery, float], ...] = (
    ("bundle-first", 0.7),
    ("messages-first", 0.18),
    ("bundle-only", 0.12),
)
"""In which order the front doors see a patient; some are known from bundles alone."""

_CHOICES = tuple((entity, entity.share) for entity in ENTITIES.values())


def patients(seed: int, count: int, centres: Mapping[str, Centre]) -> Iterator[DemoPatient]:
    """The first `count` patients of the network of this seed, each independent of `count`."""
    return (patient(seed, index, centres) for index in range(1, count + 1))


def patient(seed: int, index: int, centres: Mapping[str, Centre]) -> DemoPatient:
    """Patient number `index`, from 1, of the network of this seed."""
    stream = Stream("osteon-demo", seed, index)
    entity = stream.weighted(_CHOICES)
    span = (LAST_DIAGNOSIS - FIRST_DIAGNOSIS).days
    diagnosed = stream.days_after(FIRST_DIAGNOSIS, 0, span)
    person = identity(stream, seed, index, entity, diagnosed)
    clinical = _of_role(centres, "clinical")
    place = stream.between(0, len(clinical) - 1)
    near = _near(_of_role(centres, "pathology"), place)
    first = tumour(stream, entity, 1, sampled=diagnosed, laboratories=near, person=person)
    tumours = (first, *_second(stream, first, near, person))
    first_contact = stream.days_after(diagnosed, -40, -2)
    last_event = max(one.last_event for one in tumours)
    died = _death(stream, entity, last_event)
    return DemoPatient(
        index=index,
        identity=person,
        centre=clinical[place],
        first_contact=first_contact,
        tumours=tumours,
        last_contact=died or _last_contact(stream, last_event),
        died=died,
        identity_corrected=_identity_corrected(stream, person, first_contact),
        delivery=stream.weighted(DELIVERIES),
    )


def _of_role(centres: Mapping[str, Centre], role: str) -> list[str]:
    return [centre.id for centre in centres.values() if centre.role in {role, "both"}]


def _near(pathology: Sequence[str], place: int) -> tuple[str, ...]:
    """The pathology centres, the one that usually reads for the clinical centre at `place` first."""
    start = place % len(pathology)
    return (*pathology[start:], *pathology[:start])


def _second(
    stream: Stream, first: Tumour, near: tuple[str, ...], person: Identity
) -> tuple[Tumour, ...]:
    if not stream.chance(SECOND_TUMOUR):
        return ()
    diagnosed = stream.days_after(first.last_event, 120, 1500)
    if diagnosed > LAST_DIAGNOSIS:
        return ()
    age = (diagnosed - person.birth_date).days // 365
    entity = _entity_at(stream, age)
    return (tumour(stream, entity, 2, sampled=diagnosed, laboratories=near, person=person),)


def _entity_at(stream: Stream, age: int) -> Entity:
    """An entity that occurs at this age, by its share in the network."""
    fitting = tuple(
        (entity, share)
        for entity, share in _CHOICES
        if any(low <= age <= high for (low, _, high), _ in entity.ages)
    )
    return stream.weighted(fitting or _CHOICES)


def _death(stream: Stream, entity: Entity, last_event: date) -> date | None:
    if not stream.chance(entity.fatal):
        return None
    died = stream.days_after(last_event, 30, 1600)
    return died if died <= CUT_OFF else None


def _last_contact(stream: Stream, last_event: date) -> date:
    followed = (CUT_OFF - last_event).days
    return last_event + timedelta(days=stream.around(0, followed * 4 // 5, followed))


def _identity_corrected(stream: Stream, person: Identity, first_contact: date) -> date | None:
    """A partial birth date is completed for most; a few identities are sent again unchanged."""
    incomplete = person.birth_precision != "day"
    if stream.chance(0.7 if incomplete else 0.06):
        return stream.days_after(first_contact, 2, 9)
    return None
