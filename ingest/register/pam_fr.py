"""What PAM.fr asks of a message beyond the standard: fields that must stand and fields that must not.

Source: PAM.fr 2.11 (IHE France) as far as its machine-readable form shows it (hl7v2, schema 2.5 IHE PAM FR
2.11.2); IHE ITI TF-4 chapter 4. The PDF of Interop'Santé itself was not at hand, so a finding says what to
look at, and refuses nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

from fhir_server.model.issues import Reason, because
from ingest.hl7v2 import NULL, Message

FORBIDDEN: Mapping[str, Sequence[int]] = {
    "MSH": (8, 14, 20),
    "EVN": (1,),
    "PID": (2, 4, 9, 10, 12, 17, 19, 20, 22),
    "NK1": (25, 28, 35),
    "PV1": (9, 40, 52),
    "ZBE": (3,),
}
"""Usage X: fields that are not sent in France."""

REQUIRED: Mapping[str, Sequence[int]] = {
    "MSH": (12, 17, 18, 21),
    "PID": (3, 5, 32),
    "ZBE": (1, 2, 4, 9),
}
"""Usage R, where the segment stands."""

MOVEMENTS = frozenset(
    {"A01", "A02", "A03", "A04", "A05", "A06", "A07", "A11", "A12", "A13", "A14", "A15", "A16", "A21",
     "A22", "A25", "A26", "A27", "A38", "A52", "A53", "A54", "A55", "Z99"}
)  # fmt: skip
"""Trigger events that carry a movement, and so a ZBE."""

IDENTITIES = frozenset({"A24", "A28", "A31", "A37", "A40", "A47"})


TABLES: Mapping[str, str] = {
    "PV1-2": "E I N O R V",
    "ZBE-4": "INSERT CANCEL UPDATE",
    "ZBE-5": "Y N",
    "ZBE-9": "S H M L D SM SH MH LD HMS C",
    "ZFA-1": "ACTIF FERME INEXISTANT",
    "ZFA-9": "INO IO NA",
    "ZFA-11": "IC INC NA",
    "ZFD-4": "Y N",
    "ZFD-5": "SM CV INSI CB RFID",
    "ZFD-7": "CN PA CS LE AN PC CC CE CM TC AV DC AC IE",
    "ZFM-1": "0 6 7 8 N O",
    "ZFM-2": "0 4 5 6 7 8 9",
    "ZFM-3": "1 2 3 4 5 6 7 8 9 R U",
    "ZFM-4": "1 2 3 4 5 6 7 8 9 R U",
    "ZFM-5": "5 U V",
    "ZFV-11": "MED PARAMED AUCUN",
    "PID-32": "ANOM CACH COLP COLV DESA DOUA DOUB DOUT DPOT FICT FILI HOMA HOMD IDRA IDVER INVA PROV RECD"
    " USUR VALI VIDE",
}
"""Fields whose codes PAM.fr lists."""


def pam_fr_findings(message: Message) -> Iterator[tuple[str, Reason]]:
    """Place and finding, for ADT messages that say they are French (MSH-17 or MSH-12.2)."""
    french = "FRA" in {message.get("MSH-17"), message.get("MSH-12.2")}
    if message.type != "ADT" or not french:
        return
    for segment in message.segments:
        for number in REQUIRED.get(segment.name, ()):
            if not segment.field(number):
                yield f"{segment.name}-{number}", because("because-pam-required")
        for number in FORBIDDEN.get(segment.name, ()):
            if segment.field(number):
                yield f"{segment.name}-{number}", because("because-pam-unused")
    yield from _codes(message)
    trigger = message.trigger or ""
    if trigger in MOVEMENTS and not message.all("ZBE"):
        yield "ZBE", because("because-pam-movement")
    if trigger not in MOVEMENTS | IDENTITIES:
        yield "MSH-9.2", because("because-pam-event")


def _codes(message: Message) -> Iterator[tuple[str, Reason]]:
    """Codes that are not in the tables; the codes themselves are not told."""
    for place, codes in TABLES.items():
        segment, _, field = place.partition("-")
        for repetition in message.repetitions(segment, int(field)):
            if repetition.component(1) not in {None, NULL, *codes.split()}:
                yield place, because("because-pam-code")
