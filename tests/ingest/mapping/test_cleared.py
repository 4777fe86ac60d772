"""`""` clears one element, whatever kind it is, and empty keeps it."""

from itertools import permutations

from ingest.hl7v2 import Message
from tests.ingest.mapping.feed import message
from tests.ingest.mapping.test_reconcile import load


def identity(event: str, day: int, **fields: str) -> Message:
    """An identity with PID-6, 13, 14, 23 and 25."""
    mother, home, work = (fields.get(name, "") for name in ("mother", "home", "work"))
    born, rank = fields.get("born", ""), fields.get("rank", "")
    segment = (
        "PID|1||100009^^^IPP-C01^PI||DUBOIS-FICTIF^Camille^^^^^L"
        f"|{mother}|19900412|F|||||{home}|{work}|||||||||{born}||{rank}"
    )
    return message(f"ADT^{event}^ADT_A05", segment, time=f"202403{day:02d}080000")


TOLD = identity(
    "A28", 1, mother="MERE-FICTIVE", home="^PRN^PH^^33^1^1", born="Ville-Fictive", rank="2"
)
NULLED = identity("A31", 2, mother='""', born='""', rank='""')


def test_cleared__extensions_and_choices_go_in_any_order() -> None:
    for order in permutations([TOLD, NULLED]):
        (found,) = load(order).of_type("Patient")
        assert "extension" not in found
        assert not [name for name in found if name.startswith("multipleBirth")]


def test_cleared__field_leaves_what_another_field_says_of_the_element() -> None:
    changed = identity("A31", 3, home='""', work="^WPN^PH^^33^1^9")
    (found,) = load([TOLD, changed]).of_type("Patient")
    assert [one["use"] for one in found["telecom"]] == ["work"]
