"""The centre register: who sends, from which applications, in which time zone, with which identifiers.

Shape: `mappings/centres.csv`, one centre a line; lists within a cell are separated by spaces,
identifier authorities are written `NAMESPACE=system`. Centres are data, never constants.
"""

import re
from calendar import monthrange
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fhir_server.model.issues import because
from ingest.hl7v2.mending import AS_SENT, Quirks
from ingest.hl7v2.message import Message
from ingest.mapping.authorities import (
    INS_SYSTEMS,
    PATIENTS,
    kind_by_address,
    read_authorities,
    read_kinds,
)
from ingest.mapping.csv_source import read_lines
from ingest.mapping.quirks import HeldFor, load_quirks
from ingest.mapping.yaml_source import MapError

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""It names a folder, and stands in the addresses of identifier systems."""
_DAY = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
SID = "https://osteon.example/sid"
ROLES = ("clinical", "pathology", "both")
COLUMNS = (
    "id", "label", "role", "finess", "sending_applications", "sending_facilities", "charset",
    "time_zone", "authorities", "valid_from", "valid_to",
)  # fmt: skip
FURTHER_COLUMNS = ("certificates", "kinds")
"""Columns that a register need not have."""


@dataclass(frozen=True, slots=True)
class Centre:
    """One centre.

    Shape: `finess` is not verified; `valid_from` and `valid_to` are FHIR dates or empty; `certificates`
    the SHA-256 fingerprints (hexadecimal) or common names of client certificates that speak for it; `kinds`
    what is numbered under the systems of `authorities` whose address does not tell; `held_for` what its
    messages are held for and others' are not.
    """

    id: str
    label: str
    role: str
    finess: str
    applications: tuple[str, ...]
    facilities: tuple[str, ...]
    charset: str
    zone: ZoneInfo
    authorities: Mapping[str, str]
    valid_from: str
    valid_to: str
    kinds: Mapping[str, str] = field(default_factory=dict)
    certificates: frozenset[str] = frozenset()
    quirks: Quirks = AS_SENT
    held_for: frozenset[HeldFor] = frozenset()

    @property
    def reference(self) -> str:
        """The conditional reference by which Bundles name the Organization of this centre."""
        return f"Organization?identifier={SID}/centre|{self.id}"

    @property
    def senders(self) -> Iterator[tuple[str, str]]:
        """MSH-3 and MSH-4 that it sends; MSH-3 is empty where any application counts."""
        return product(dict.fromkeys(self.applications or ("",)), dict.fromkeys(self.facilities))

    def read(self, raw: bytes) -> Message:
        """A message of this centre, what it does against the standard mended.

        Errors: those of `Message.parse`.
        """
        mended = raw if self.quirks is AS_SENT else self.quirks.mend(raw)
        return Message.parse(mended, default_charset=self.charset)


class CentreRegister:
    """All centres, by id and by sender."""

    def __init__(self, centres: Sequence[Centre]) -> None:
        self.centres: Mapping[str, Centre] = {centre.id: centre for centre in centres}
        self._by_sender: dict[tuple[str, str], Centre] = {}
        self._authorities: dict[str, set[str]] = {}
        kinds = {system: kind for centre in centres for system, kind in centre.kinds.items()}
        for centre in centres:
            self._by_sender |= dict.fromkeys(centre.senders, centre)
            for namespace, system in centre.authorities.items():
                self._authorities.setdefault(namespace, set()).add(system)
        systems = {system for centre in centres for system in centre.authorities.values()}
        self.patient_systems = frozenset(
            system
            for system in systems - INS_SYSTEMS
            if kinds.get(system, kind_by_address(system)) in {PATIENTS, ""}
        )
        """Where numbers of patients are given, as far as the register tells otherwise of none."""
        self._own_patient_systems = {
            centre.id: self.patient_systems.intersection(centre.authorities.values())
            for centre in centres
        }

    def of_sender(self, application: str | None, facility: str | None) -> Centre | None:
        """The centre that sends as MSH-3 and MSH-4; one without listed applications sends as any."""
        found = self._by_sender.get((application or "", facility or ""))
        return found or self._by_sender.get(("", facility or ""))

    def read(self, raw: bytes) -> Message:
        """A message, read the way its sender writes.

        Errors: those of `Message.parse`.
        """
        message = Message.parse(raw)
        centre = self.of_sender(message.sending_application, message.sending_facility)
        return centre.read(raw) if centre else message

    def of_certificate(self, names: Collection[str]) -> frozenset[str]:
        """The ids of the centres that a client certificate, by its fingerprint or name, speaks for."""
        return frozenset(
            centre.id for centre in self.centres.values() if centre.certificates & set(names)
        )

    def system_of(self, namespace: str, centre: Centre) -> str | None:
        """The identifier system of an assigning authority: the sender's own, else any centre's.

        A laboratory sends the patient number of the hospital that asked it. A namespace that means different
        systems at different centres is nobody else's: it would join the records of different patients.
        """
        if own := centre.authorities.get(namespace):
            return own
        systems = self._authorities.get(namespace, ())
        return next(iter(systems)) if len(systems) == 1 else None

    def own_patient_systems(self, centre: Centre) -> frozenset[str]:
        """Those of the patient systems that stand in the line of a centre."""
        return self._own_patient_systems.get(centre.id, frozenset())

    def namespaces_of(self, system: str) -> frozenset[str]:
        """The namespaces that mean a system, at any centre."""
        return frozenset(name for name, meant in self._authorities.items() if system in meant)


def load_centres(path: Path) -> CentreRegister:
    """Read the register.

    Errors: MapError with the line for a missing column, an id that no folder can have or that stands
    twice, an unknown role or time zone, a day that is none, authorities that are none, a sender that two
    centres claim, or a quirk that is none.
    """
    centres: dict[str, Centre] = {}
    senders: dict[tuple[str, str], str] = {}
    for line, row in read_lines(path, path.name, COLUMNS):
        centre = _centre(row, path.name, line)
        if centre.id in centres:
            raise MapError(path.name, line, because("because-own-id"))
        for sender in centre.senders:
            if sender in senders:
                expected = because("because-own-sender", other=senders[sender])
                raise MapError(path.name, line, expected)
            senders[sender] = centre.id
        quirks, held_for = load_quirks(path.parent, centre.id)
        centres[centre.id] = replace(centre, quirks=quirks, held_for=held_for)
    return CentreRegister([*centres.values()])


def _centre(row: Mapping[str, str], file: str, line: int) -> Centre:
    if not _ID.fullmatch(row["id"]):
        raise MapError(file, line, because("because-centre-id"))
    if not all(_is_day(row[name]) for name in ("valid_from", "valid_to")):
        raise MapError(file, line, because("because-day"))
    if row["role"] not in ROLES:
        raise MapError(file, line, because("because-role", roles=", ".join(ROLES)))
    try:
        zone = ZoneInfo(row["time_zone"])
    except (ZoneInfoNotFoundError, ValueError):
        raise MapError(file, line, because("because-time-zone")) from None
    authorities = read_authorities(row["authorities"], file, line)
    return Centre(
        id=row["id"],
        label=row["label"],
        role=row["role"],
        finess=row["finess"],
        applications=tuple(row["sending_applications"].split()),
        facilities=tuple(row["sending_facilities"].split()),
        charset=row["charset"],
        zone=zone,
        authorities=authorities,
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        kinds=read_kinds(row.get("kinds") or "", authorities, file, line),
        certificates=frozenset(map(certificate_name, (row.get("certificates") or "").split())),
    )


def _is_day(text: str) -> bool:
    """Whether a text is empty or a FHIR date. Source: https://hl7.org/fhir/R4/datatypes.html#date."""
    if not _DAY.fullmatch(text):
        return not text
    year, month, day = (int(part) for part in f"{text}-01-01"[:10].split("-"))
    return 1 <= month <= 12 and year >= 1 and 1 <= day <= monthrange(year, month)[1]


def certificate_name(written: str) -> str:
    """A client certificate as it is compared: a fingerprint in lower case without colons, or a common name.

    Shape: `openssl x509 -fingerprint -sha256` writes capitals and colons.
    """
    digits = written.replace(":", "").lower()
    return digits if _FINGERPRINT.fullmatch(digits) else written
