"""What a reading found, as both doors tell it: an Observation in a Bundle, an OBX in a message.

Source: docs/profiles.md, observations of a report.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fhir_server.demo import terms
from fhir_server.demo.entities import ENTITIES, Grade
from fhir_server.demo.records import Issue, Report, Tumour
from fhir_server.demo.terms import CODE_SYSTEM

GRADE_CODES: Mapping[Grade, str] = {
    "1": "G1",
    "2": "G2",
    "3": "G3",
    "low": "low",
    "intermediate": "intermediate",
    "high": "high",
}
"""To the codes of `tumour-grade`."""

GRADE_DISPLAYS: Mapping[Grade, str] = {
    "1": "Grade 1",
    "2": "Grade 2",
    "3": "Grade 3",
    "low": "Low grade",
    "intermediate": "Intermediate grade",
    "high": "High grade",
}

GRADE_TEXTS: Mapping[Grade, str] = {
    "1": "grade 1",
    "2": "grade 2",
    "3": "grade 3",
    "low": "bas grade",
    "intermediate": "grade intermédiaire",
    "high": "haut grade",
}


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a system, its display there, and a text in the language of the centre."""

    system: str
    code: str
    display: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Amount:
    """A whole number in a UCUM unit."""

    value: int
    unit: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One result; `name` tells it apart from the others of its report, `profile` says what it is."""

    name: str
    profile: str
    code: Code
    value: Code | Amount
    method: Code | None = None


def findings(reading: Report, issue: Issue) -> Iterator[Finding]:
    """The results that an issue of a report holds."""
    diagnosis = reading.diagnosis
    entity = ENTITIES[diagnosis.morphology]
    yield Finding(
        "histology",
        "histology-and-behaviour",
        Code(terms.LOINC, "31206-6", "Histology and behaviour, ICD-O-3"),
        Code(terms.ICD_O, diagnosis.morphology, entity.label, entity.french),
    )
    if diagnosis.grade:
        yield _grade(diagnosis.grade)
    if issue.size_mm:
        size = Code(terms.LOINC, "21889-1", "Tumour size")
        yield Finding("size", "tumour-size", size, Amount(issue.size_mm, "mm"))
    if reading.margin and issue.status != "preliminary":
        yield Finding(
            "margin",
            "resection-margin",
            Code(f"{CODE_SYSTEM}/observation-code", "resection-margin"),
            Code(f"{CODE_SYSTEM}/residual-tumour", reading.margin),
        )
    if reading.necrosis is not None and issue.status != "preliminary":
        necrosis = Code(f"{CODE_SYSTEM}/observation-code", "necrosis-percentage")
        yield Finding("necrosis", "chemotherapy-necrosis", necrosis, Amount(reading.necrosis, "%"))


def _grade(grade: Grade) -> Finding:
    system = "chondrosarcoma" if grade.isdigit() else "three-tier"
    return Finding(
        "grade",
        "tumour-grade",
        Code(terms.LOINC, "33732-9", "Histologic grade"),
        Code(
            f"{CODE_SYSTEM}/tumour-grade",
            GRADE_CODES[grade],
            GRADE_DISPLAYS[grade],
            GRADE_TEXTS[grade],
        ),
        method=Code(f"{CODE_SYSTEM}/grading-system", system),
    )


def conclusion(reading: Report, tumour: Tumour, issue: Issue) -> str:
    """The conclusion as a pathologist writes it."""
    grade = reading.diagnosis.grade
    side = {"left": " (côté gauche)", "right": " (côté droit)", None: ""}[tumour.laterality]
    final = issue.status != "preliminary"
    parts = (
        ENTITIES[reading.diagnosis.morphology].french,
        GRADE_TEXTS[grade] if grade else "",
        f"siège : {tumour.site.french}{side}",
        f"grand axe {issue.size_mm} mm" if issue.size_mm else "",
        f"nécrose {reading.necrosis} %" if final and reading.necrosis is not None else "",
        f"marges {reading.margin}" if final and reading.margin else "",
    )
    return ", ".join(part for part in parts if part) + "."
