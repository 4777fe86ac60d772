"""Coded values that come again: made once, told alike each time, and nobody's to spoil."""

from copy import deepcopy
from typing import Any

from ingest.hl7v2 import Message
from ingest.mapping import map_message
from tests.ingest.mapping.feed import message, patient

REPORT = (
    patient(),
    "OBR|1||24P7^ACP-P01|60568-3^Report^LN|||20240312|||||||||||||||20240318142500|||F",
    "OBX|1|CWE|31206-6^Histologie^LN||9180/3^Osteosarcome^ICDO3^BHQ7Q7A0^Osteosarcome^ADICAP||||||F",
    "OBX|2|CWE|A-1^Question^CAPECC||B-2^Reponse^CAPECC^^^^^^dit ainsi^X&Y||||||F",
    "SPM|1|^24P7-A&PREL-P01||BON^Os^HL70487|||BIO^Biopsie^HL70488||||||||||20240312",
)


def report() -> Message:
    return message("ORU^R01", *REPORT, sender="P01")


def observations(resources: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    return [one for one in resources if one["resourceType"] == "Observation"]


def test_remembered__tells_the_same_fates_again() -> None:
    first, again = map_message(report()), map_message(report())
    assert again.fates == first.fates


def test_remembered__what_is_added_to_one_value_is_not_in_the_next() -> None:
    first = observations(map_message(report()).resources)
    untouched = deepcopy(first)
    for one in first:
        one["code"]["coding"].append({"code": "added"})
        one["valueCodeableConcept"]["text"] = "added"
        one["valueCodeableConcept"]["coding"].append({"code": "added"})
    assert observations(map_message(report()).resources) == untouched
