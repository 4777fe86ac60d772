"""What a bridge says: tables of FHIRPath columns, or resources kept in part; and what is lost, and why.

Shape: `{E}` and `{C}` in a file stand for the network's extensions and code systems, `{I}` for ICD-O-3.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fhir_server.definitions.packages import network_package

BASE = "https://osteon.example/fhir"
_VARIABLE = re.compile("%`?(?!resource|context)([a-z][a-z0-9-]*)")
_NAMES = {
    "{E}": f"{BASE}/StructureDefinition",
    "{C}": f"{BASE}/CodeSystem",
    "{I}": "http://terminology.hl7.org/CodeSystem/icd-o-3",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `map` the id of a ConceptMap, `using` a function, `value` a constant.

    `take` is `first` or `last` where there is room for one value; `unit` the UCUM unit that quantities are
    turned into; `of` finds all values that the column speaks of, where it looks at some only. Values that
    it does not hold in the end are counted as lost.
    """

    to: str
    source: str = ""
    map: str = ""
    using: str = ""
    value: str = ""
    take: str = ""
    unit: str = ""
    of: str = ""

    @property
    def texts(self) -> tuple[str, str]:
        """Its expressions."""
        return self.source, self.of


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a row for each resource of a profile; `when` leaves rows out."""

    name: str
    each: Sequence[str]
    columns: Sequence[Column]
    when: str = ""


@dataclass(frozen=True, slots=True)
class Rewriting:
    """A resource of a profile in another one: `keep` the elements, `extensions` and `maps` what is renamed
    and translated (an extension renamed to nothing is told in another way), `nested` extensions that go
    below an element, `put` what is set beside (`building`); `type` where it becomes a resource of another
    type; `when` leaves resources out.
    """

    each: str
    profile: str
    keep: Sequence[str]
    extensions: Mapping[str, str] = field(default_factory=dict)
    maps: Sequence[str] = ()
    nested: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    put: Mapping[str, Any] = field(default_factory=dict)
    type: str = ""
    when: str = ""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that has no place on the other side: a profile, or `profile.element`, and the reason."""

    what: str
    why: Mapping[str, str]


LOST_BY_ALL = (
    Loss("*.identifier", {
        "en": "Numbers of patients, tumours, samples and reports become pseudonyms of the partner; national"
        " identities and numbers of centres never cross.",
        "fr": "Les numéros de patients, tumeurs, prélèvements et comptes rendus deviennent des pseudonymes du"
        " partenaire ; identités nationales et numéros des centres ne passent jamais.",
    }),
    Loss("*.id, *.meta", {
        "en": "Addresses become pseudonyms; versions and origins stay behind.",
        "fr": "Les adresses deviennent des pseudonymes ; versions et origines ne sont pas transmises.",
    }),
    Loss("bone-sarcoma-patient.name, address, telecom, contact", {
        "en": "A partner gets nobody's name or address.",
        "fr": "Un partenaire ne reçoit ni nom ni adresse.",
    }),
    Loss("bone-sarcoma-patient.birthDate", {
        "en": "The month of birth at most.",
        "fr": "Le mois de naissance, au plus précis.",
    }),
    Loss("*.text, note, conclusion, presentedForm", {
        "en": "Free text may name a person. A concept without a code keeps its words.",
        "fr": "Un texte libre peut nommer une personne. Un concept sans code garde ses mots.",
    }),
)  # fmt: skip
"""What no bridge takes across (`pseudonyms`)."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge: either `tables` or `resources`."""

    name: str
    title: Mapping[str, str]
    source: str
    tables: Sequence[Table]
    resources: Sequence[Rewriting]
    lost: Sequence[Loss]

    @property
    def crossing(self) -> set[str]:
        """The profiles of which something crosses."""
        columns = [text for table in self.tables for each in table.columns for text in each.texts]
        named = {name for source in columns for name in _VARIABLE.findall(source)}
        each = {name for table in self.tables for name in table.each}
        return named | each | {rule.each for rule in self.resources}


def bridge_names(root: Path | None = None) -> list[str]:
    """The bridges that there are."""
    return sorted(path.stem for path in _folder(root).glob("*.yaml"))


def read_bridge(name: str, root: Path | None = None) -> Bridge:
    """A bridge by its name. Errors: FileNotFoundError where there is none."""
    text = (_folder(root) / f"{name}.yaml").read_text(encoding="utf-8")
    for short, full in _NAMES.items():
        text = text.replace(short, full)
    content = yaml.safe_load(text)
    return Bridge(
        name=name,
        title=content["title"],
        source=content["source"],
        tables=[_table(each) for each in content.get("tables", ())],
        resources=[Rewriting(**each) for each in content.get("resources", ())],
        lost=[*LOST_BY_ALL, *(Loss(each["what"], each["why"]) for each in content["lost"])],
    )


def _folder(root: Path | None) -> Path:
    return (root or network_package()) / "bridges"


def _table(content: Mapping[str, Any]) -> Table:
    columns = [
        Column(**{("source" if name == "from" else name): value for name, value in each.items()})
        for each in content["columns"]
    ]
    return Table(content["name"], content["each"], columns, content.get("when", ""))
