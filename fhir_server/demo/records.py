"""What the synthetic network consists of: patients, tumours, specimens, reports.

Moments are local time of the centre concerned; its zone stands in the centre register.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from fhir_server.demo.entities import ENTITIES, Grade
from fhir_server.demo.sites import Site

Sex = Literal["male", "female"]
Precision = Literal["day", "month", "year"]
Laterality = Literal["left", "right"]
Procedure = Literal["core-biopsy", "incisional-biopsy", "curettage", "resection", "amputation"]
ReadingRole = Literal["initial", "expert"]
Margin = Literal["R0", "R1", "R2"]
IssueStatus = Literal["preliminary", "final", "corrected"]
Delivery = Literal["bundle-first", "messages-first", "bundle-only"]


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the patient is, for the centre (`ipp`), the country (`ins`) and the network (`pseudonym`).

    Shape: `birth_precision` says how much of `birth_date` the centre knows at registration; without a
    full birth date nobody has an INS. `used_name` is None where it is the family name.
    """

    pseudonym: str
    ipp: str
    ins: str | None
    family_name: str
    used_name: str | None
    given_names: tuple[str, ...]
    sex: Sex
    birth_date: date
    birth_precision: Precision

    @property
    def known_birth_date(self) -> str:
        """The birth date as far as it is known at registration: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`."""
        length = {"year": 4, "month": 7, "day": 10}[self.birth_precision]
        return self.birth_date.isoformat()[:length]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a reading concludes."""

    morphology: str
    grade: Grade | None

    @property
    def label(self) -> str:
        """Name of the entity."""
        return ENTITIES[self.morphology].label


@dataclass(frozen=True, slots=True)
class Issue:
    """One issue of a report; `size_mm` is what it says then, which a correction may change."""

    status: IssueStatus
    at: datetime
    size_mm: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """A reading of a specimen in one centre, with every issue of its report in order.

    Shape: `necrosis` in percent, only after chemotherapy; `margin` only on what was resected.
    """

    number: str
    role: ReadingRole
    centre: str
    received: datetime
    diagnosis: Diagnosis
    issues: tuple[Issue, ...]
    margin: Margin | None = None
    necrosis: int | None = None

    @property
    def size_mm(self) -> int | None:
        """The size that stands in the last issue."""
        return self.issues[-1].size_mm


@dataclass(frozen=True, slots=True)
class Specimen:
    """What was taken on one day, and its reports: the first one, then that of the expert."""

    number: str
    laboratory: str
    procedure: Procedure
    collected: datetime
    reports: tuple[Report, ...]

    @property
    def resected(self) -> bool:
        """The tumour itself, not a sample of it."""
        return not self.procedure.endswith("biopsy")

    @property
    def last_issue(self) -> datetime:
        """When the last report on it was issued."""
        return self.reports[-1].issues[-1].at


@dataclass(frozen=True, slots=True)
class Tumour:
    """A primary bone tumour, number `number` of its patient; `diagnosis` is the last word on it."""

    identifier: str
    number: int
    site: Site
    laterality: Laterality | None
    diagnosis: Diagnosis
    first_symptoms: date
    diagnosed: date
    specimens: tuple[Specimen, ...]

    @property
    def last_event(self) -> date:
        """The day of the last report."""
        return self.specimens[-1].last_issue.date()


@dataclass(frozen=True, slots=True)
class DemoPatient:
    """A patient, the tumours in order of diagnosis and what became of the patient.

    Shape: `first_contact` the first visit to `centre`; `identity_corrected` the day on which the centre
    sends the identity again, None where it never does; `died` None while alive at `last_contact`;
    `delivery` says in which order the front doors see the patient.
    """

    index: int
    identity: Identity
    centre: str
    first_contact: date
    tumours: tuple[Tumour, ...]
    last_contact: date
    died: date | None
    identity_corrected: date | None
    delivery: Delivery

    def birth_date_known_on(self, day: date) -> str:
        """The birth date as far as the centre knew it then: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`."""
        if self.identity_corrected is not None and self.identity_corrected <= day:
            return self.identity.birth_date.isoformat()
        return self.identity.known_birth_date
