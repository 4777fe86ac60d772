"""Readings of a specimen: a first report, often an expert's, sometimes preliminary or corrected.

Source: concordance of first and expert reading, Ray-Coquard, Ann Oncol 2012 (full 56 %, partial 35 %,
complete discordance 8 %) and Lurkin, BMC Cancer 2010; 10:150.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from fhir_server.demo.entities import ENTITIES
from fhir_server.demo.records import Diagnosis, Issue, Margin, Procedure, Report, Specimen
from fhir_server.demo.stream import Stream

FULL, PARTIAL, COMPLETE = ("full", 0.57), ("partial", 0.35), ("complete", 0.08)


@dataclass(frozen=True, slots=True)
class Sampling:
    """What is needed to know of a sample before it is read.

    Shape: `laboratories` the reading centres, the usual one first; `after_chemotherapy` None where
    nothing was resected, else whether chemotherapy went before.
    """

    number: str
    procedure: Procedure
    day: date
    truth: Diagnosis
    size_mm: int
    laboratories: Sequence[str]
    resected: bool
    after_chemotherapy: bool
    expert: float


def read_specimen(stream: Stream, sampling: Sampling) -> Specimen:
    """The specimen with its reports."""
    laboratory = sampling.laboratories[0]
    if stream.chance(0.15):
        laboratory = stream.pick(sampling.laboratories)
    collected = stream.moment(sampling.day)
    expert_asked = stream.chance(sampling.expert)
    first = _first_report(stream, sampling, laboratory, collected, disputed=expert_asked)
    reports: tuple[Report, ...] = (first,)
    if expert_asked:
        others = [one for one in sampling.laboratories if one != laboratory]
        reports += (_expert_report(stream, sampling, first, stream.pick(others)),)
    return Specimen(
        number=f"{sampling.day:%y}S{sampling.number}",
        laboratory=laboratory,
        procedure=sampling.procedure,
        collected=collected,
        reports=reports,
    )


def _first_report(
    stream: Stream, sampling: Sampling, laboratory: str, collected: datetime, *, disputed: bool
) -> Report:
    received = stream.moment(stream.days_after(collected.date(), 1, 2))
    return Report(
        number=f"{sampling.day:%y}H{sampling.number}",
        role="initial",
        centre=laboratory,
        received=received,
        diagnosis=_first_opinion(stream, sampling.truth) if disputed else sampling.truth,
        issues=_issues(stream, received, sampling),
        margin=_margin(stream) if sampling.resected else None,
        necrosis=_necrosis(stream) if sampling.resected and sampling.after_chemotherapy else None,
    )


def _expert_report(stream: Stream, sampling: Sampling, first: Report, centre: str) -> Report:
    received = stream.moment(stream.days_after(first.issues[-1].at.date(), 2, 9))
    issued = stream.moment(stream.days_after(received.date(), 4, 32))
    return Report(
        number=f"{received:%y}X{sampling.number}",
        role="expert",
        centre=centre,
        received=received,
        diagnosis=sampling.truth,
        issues=(Issue("final", issued, first.issues[-1].size_mm),),
        margin=first.margin,
        necrosis=first.necrosis,
    )


def _issues(stream: Stream, received: datetime, sampling: Sampling) -> tuple[Issue, ...]:
    """A final issue, now and then after a preliminary one; sometimes the size is corrected later."""
    size = sampling.size_mm if sampling.resected else None
    preliminary_at = received + timedelta(hours=stream.between(5, 40))
    final_at = stream.moment(stream.days_after(preliminary_at.date(), 1, 12))
    corrected_at = stream.moment(stream.days_after(final_at.date(), 1, 6))
    preliminary = stream.chance(0.12)
    corrected = stream.chance(0.08) and size is not None
    first_size = max(3, size + stream.pick((-9, -4, 6, 10))) if size and corrected else size
    return (
        *((Issue("preliminary", preliminary_at, None),) if preliminary else ()),
        Issue("final", final_at, first_size),
        *((Issue("corrected", corrected_at, size),) if corrected else ()),
    )


def _first_opinion(stream: Stream, truth: Diagnosis) -> Diagnosis:
    """What the first reader concludes where an expert will conclude `truth`."""
    entity = ENTITIES[truth.morphology]
    concordance = stream.weighted((FULL, PARTIAL, COMPLETE))
    if concordance == "partial":
        other_grades = [grade for grade, _ in entity.grades if grade != truth.grade]
        if other_grades:
            return Diagnosis(truth.morphology, stream.pick(other_grades))
        if entity.subtypes:
            return diagnosis_of(stream, stream.pick(entity.subtypes))
    if concordance == "complete" and entity.mimics:
        return diagnosis_of(stream, stream.pick(entity.mimics))
    return truth


def diagnosis_of(stream: Stream, morphology: str) -> Diagnosis:
    """The morphology with a grade that occurs in it."""
    grades = ENTITIES[morphology].grades
    return Diagnosis(morphology, stream.weighted(grades) if grades else None)


def _margin(stream: Stream) -> Margin:
    return stream.weighted((("R0", 0.84), ("R1", 0.13), ("R2", 0.03)))


def _necrosis(stream: Stream) -> int:
    """About half of the patients respond well, with 90 % necrosis or more."""
    return stream.between(90, 100) if stream.chance(0.5) else stream.around(5, 70, 89)
