"""The course of a tumour: first contact, biopsy, readings, treatment, resection, readings again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fhir_server.demo.entities import Entity
from fhir_server.demo.readings import Sampling, diagnosis_of, read_specimen
from fhir_server.demo.records import Diagnosis, Identity, Procedure, Specimen, Tumour
from fhir_server.demo.sites import SITES, Site
from fhir_server.demo.stream import Stream


@dataclass(frozen=True, slots=True)
class _Plan:
    entity: Entity
    diagnosis: Diagnosis
    site: Site
    size_mm: int
    neoadjuvant: bool
    laboratories: Sequence[str]
    serial: str


def tumour(
    stream: Stream,
    entity: Entity,
    number: int,
    *,
    sampled: date,
    laboratories: Sequence[str],
    person: Identity,
) -> Tumour:
    """Tumour `number` of a patient, first sampled about the day `sampled`.

    Shape: `laboratories` the reading centres, the usual one first.
    """
    site = SITES[stream.weighted(tuple(entity.sites.items()))]
    plan = _Plan(
        entity=entity,
        diagnosis=diagnosis_of(stream, entity.morphology),
        site=site,
        size_mm=stream.around(*entity.size_mm),
        neoadjuvant=stream.chance(entity.neoadjuvant),
        laboratories=laboratories,
        serial=f"{person.ipp[-7:]}{number}",
    )
    specimens = _specimens(stream, plan, sampled)
    diagnosed = specimens[0].collected.date()
    return Tumour(
        identifier=f"{person.pseudonym}-T{number}",
        number=number,
        site=site,
        laterality=stream.pick(("left", "right")) if site.paired else None,
        diagnosis=plan.diagnosis,
        first_symptoms=_first_symptoms(stream, diagnosed, person.birth_date),
        diagnosed=diagnosed,
        specimens=specimens,
    )


def _first_symptoms(stream: Stream, diagnosed: date, birth_date: date) -> date:
    noticed = diagnosed - timedelta(days=stream.around(25, 110, 700))
    return max(noticed, birth_date + timedelta(days=60))


def _specimens(stream: Stream, plan: _Plan, sampled: date) -> tuple[Specimen, ...]:
    """A biopsy, a resection or both; without a biopsy the resection gives the diagnosis."""
    resected = stream.chance(plan.entity.resected)
    biopsied = stream.chance(plan.entity.biopsied) or not resected
    specimens: tuple[Specimen, ...] = ()
    if biopsied:
        procedure: Procedure = stream.weighted((("core-biopsy", 0.7), ("incisional-biopsy", 0.3)))
        specimens += (_sample(stream, plan, "1", procedure, sampled),)
    if resected:
        wait = (75, 125) if plan.neoadjuvant else (12, 55)
        day = stream.days_after(specimens[0].last_issue.date(), *wait) if biopsied else sampled
        specimens += (_sample(stream, plan, "2", _operation(stream, plan), day),)
    return specimens


def _sample(stream: Stream, plan: _Plan, suffix: str, procedure: Procedure, day: date) -> Specimen:
    diagnostic = suffix == "1" or not plan.entity.malignant
    return read_specimen(
        stream,
        Sampling(
            number=plan.serial + suffix,
            procedure=procedure,
            day=day,
            truth=plan.diagnosis,
            size_mm=plan.size_mm,
            laboratories=plan.laboratories,
            resected=not procedure.endswith("biopsy"),
            after_chemotherapy=plan.neoadjuvant and plan.entity.malignant,
            expert=_expert_share(plan.entity, diagnostic=diagnostic),
        ),
    )


def _expert_share(entity: Entity, *, diagnostic: bool) -> float:
    """How often a second reading is asked for: sarcomas nearly always, on the diagnostic sample."""
    if not diagnostic:
        return 0.2
    return 0.35 if entity.morphology.endswith("/0") else 0.9


def _operation(stream: Stream, plan: _Plan) -> Procedure:
    if not plan.entity.malignant:
        return stream.weighted((("curettage", 0.7), ("resection", 0.3)))
    limb = plan.site.topography.startswith("C40")
    return "amputation" if limb and stream.chance(0.08) else "resection"
