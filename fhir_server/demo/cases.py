"""Specimens and readings with the centres concerned, as both doors need them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fhir_server.demo.centres import Centre
from fhir_server.demo.records import DemoPatient, Report, Specimen, Tumour


@dataclass(frozen=True, slots=True)
class Case:
    """A specimen: `home` is where it was taken, `laboratory` numbered it."""

    person: DemoPatient
    tumour: Tumour
    sample: Specimen
    home: Centre
    laboratory: Centre


@dataclass(frozen=True, slots=True)
class Reading:
    """A report on a case, and the centre that read."""

    case: Case
    report: Report
    centre: Centre


def cases(person: DemoPatient, tumour: Tumour, centres: Mapping[str, Centre]) -> Iterator[Case]:
    """The specimens of a tumour."""
    home = centres[person.centre]
    for sample in tumour.specimens:
        yield Case(person, tumour, sample, home, centres[sample.laboratory])


def readings(case: Case, centres: Mapping[str, Centre]) -> Iterator[Reading]:
    """The readings of a specimen."""
    for report in case.sample.reports:
        yield Reading(case, report, centres[report.centre])
