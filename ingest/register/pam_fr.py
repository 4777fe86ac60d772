"""What PAM.fr asks of a message beyond the standard: fields that must stand and fields that must not.

Source: PAM.fr 2.11 (IHE France) as far as its machine-readable form shows it (hl7v2, schema 2.5 IHE PAM FR
2.11.2); IHE ITI TF-4 chapter 4. The PDF of Interop'Santé itself was not at hand, so a finding says what to
look at, and refuses nothing.
"""

from collections.abc import Iterator, Mapping, Sequence

from ingest.hl7v2 import Message

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


def pam_fr_findings(message: Message) -> Iterator[tuple[str, str]]:
    """Place and finding, for ADT messages that say they are French (MSH-17 or MSH-12.2)."""
    french = "FRA" in {message.get("MSH-17"), message.get("MSH-12.2")}
    if message.type != "ADT" or not french:
        return
    for segment in message.segments:
        for number in REQUIRED.get(segment.name, ()):
            if not segment.field(number):
                yield f"{segment.name}-{number}", "required by PAM.fr, not sent"
        for number in FORBIDDEN.get(segment.name, ()):
            if segment.field(number):
                yield f"{segment.name}-{number}", "not used by PAM.fr, sent"
    trigger = message.trigger or ""
    if trigger in MOVEMENTS and not message.all("ZBE"):
        yield "ZBE", "a movement of PAM.fr has this segment"
    if trigger not in MOVEMENTS | IDENTITIES:
        yield "MSH-9.2", "no event of the French PAM set"
