"""What was made, sent, accepted and refused: the closing table and the summary for other programs.

The counts of what was made are taken from the invented patients, not from Bundles or messages, so that
they can be held against what a search finds.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fhir_server.demo.records import DemoPatient, Report, Tumour
from fhir_server.demo.terms import icd10_code

if TYPE_CHECKING:
    from rich.table import Table

    from fhir_server.demo.front_doors import Outcome


@dataclass(slots=True)
class Network:
    """Independent counts of an invented network."""

    patients: int = 0
    resources: Counter[str] = field(default_factory=Counter)
    morphology: Counter[str] = field(default_factory=Counter)
    topography: Counter[str] = field(default_factory=Counter)
    diagnosis: Counter[str] = field(default_factory=Counter)
    reading_role: Counter[str] = field(default_factory=Counter)

    def add(self, person: DemoPatient) -> None:
        """Count a patient.

        A stay adds two Encounters, itself and its first movement. A reading that comes by message adds
        its conclusion as an Observation; its findings are the same as in Bundles.
        """
        by_message = person.delivery != "bundle-only"
        self.patients += 1
        self.resources["Patient"] += 1
        self.resources["Observation"] += 1
        for tumour in person.tumours:
            self._add_tumour(tumour, by_message=by_message)
        if by_message:
            operations = sum(s.resected for tumour in person.tumours for s in tumour.specimens)
            self.resources["Encounter"] += 2 * (1 + operations)

    def _add_tumour(self, tumour: Tumour, *, by_message: bool) -> None:
        conclusions = 1 if by_message else 0
        self.resources["Condition"] += 1
        self.morphology[tumour.diagnosis.morphology] += 1
        self.topography[tumour.site.topography] += 1
        self.diagnosis[icd10_code(tumour.diagnosis.morphology, tumour.site)] += 1
        for sample in tumour.specimens:
            self.resources["Specimen"] += 2 if sample.resected else 1
            for reading in sample.reports:
                self.resources["DiagnosticReport"] += 1
                self.resources["Observation"] += conclusions + _findings(reading)
                self.reading_role[reading.role] += 1

    def merge(self, other: "Network") -> None:
        """Add the counts of another part of the same network."""
        self.patients += other.patients
        for name in ("resources", "morphology", "topography", "diagnosis", "reading_role"):
            getattr(self, name).update(getattr(other, name))

    def as_json(self) -> dict[str, Any]:
        """The counts by ICD-O-3 morphology and topography, ICD-10 code, reading role, resource type."""
        return {
            "patients": self.patients,
            "resources": _sorted(self.resources),
            "morphology": _sorted(self.morphology),
            "topography": _sorted(self.topography),
            "diagnosis": _sorted(self.diagnosis),
            "reading_role": _sorted(self.reading_role),
        }


@dataclass(slots=True)
class Tally:
    """What was sent, by kind, and what became of it; what is held was accepted first."""

    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    created: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, outcome: "Outcome") -> None:
        """Count a delivery."""
        if not outcome.accepted:
            self.refused[kind] += 1
            self.reasons[kind, outcome.reason] += 1
            return
        self.accepted[kind] += 1
        self.created.update(outcome.created or {})
        self.known.update(outcome.known or {})

    def hold(self, kind: str, reason: str) -> None:
        """Count a message that was acknowledged but could not be mapped."""
        self.held[kind] += 1
        self.reasons[kind, reason] += 1

    @property
    def complete(self) -> bool:
        """Nothing was refused or held."""
        return not self.refused and not self.held

    @property
    def kinds(self) -> list[str]:
        """All kinds sent: Bundles first, then messages."""
        return sorted(self.accepted.keys() | self.refused.keys(), key=lambda k: ("^" in k, k))

    def as_json(self) -> dict[str, Any]:
        """The rows of the closing table and what the Bundles created or found."""
        return {
            "sent": {kind: self.accepted[kind] + self.refused[kind] for kind in self.kinds},
            "accepted": {kind: self.accepted[kind] for kind in self.kinds},
            "refused": {kind: self.refused[kind] for kind in self.kinds},
            "held": {kind: self.held[kind] for kind in self.kinds},
            "created": _sorted(self.created),
            "known": _sorted(self.known),
        }


def _findings(reading: Report) -> int:
    """Histology, and what else was measured."""
    measured = (reading.diagnosis.grade, reading.size_mm, reading.margin, reading.necrosis)
    return 1 + sum(one is not None for one in measured)


def closing_table(tally: Tally) -> "Table":
    """One row per kind, then the sum."""
    from rich.table import Table

    table = Table("kind", title="Sent to the server", show_footer=True)
    columns = {
        "sent": tally.accepted + tally.refused,
        "accepted": tally.accepted,
        "refused": tally.refused,
        "held": tally.held,
    }
    table.columns[0].footer = "all"
    for name, counts in columns.items():
        table.add_column(name, justify="right", footer=str(counts.total()))
    for kind in tally.kinds:
        table.add_row(kind, *(str(counts[kind]) for counts in columns.values()))
    return table


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))
