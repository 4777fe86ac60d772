"""The centre register of the network: who sends, and how each is read."""

from collections import Counter

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import default_library, map_message
from ingest.mapping.organizations import register_bundle
from tests.ingest.mapping.conftest import resources
from tests.ingest.mapping.feed import message, patient, stay

REGISTER = default_library().register


def test_register__has_13_clinical_and_11_pathology_centres() -> None:
    roles = Counter(centre.role for centre in REGISTER.centres.values())
    assert roles == {"clinical": 13, "pathology": 11}
    organizations = [entry["resource"] for entry in register_bundle()["entry"]]
    assert {one["resourceType"] for one in organizations} == {"Organization"}
    assert (
        Counter(one["extension"][0]["extension"][0]["valueCode"] for one in organizations) == roles
    )


def test_authority__of_one_name_is_another_system_in_each_centre() -> None:
    systems = {
        resources(
            map_message(
                message("ADT^A28^ADT_A05", "PID|1||7^^^IPP^PI||||19900412|F", sender=sender)
            ),
            "Patient",
        )[0]["identifier"][0]["system"]
        for sender in ("C01", "C02")
    }
    assert systems == {
        "https://osteon.example/sid/C01/IPP",
        "https://osteon.example/sid/C02/IPP",
    }


def test_authority__of_the_register_gives_its_system_whoever_sends() -> None:
    sent = message("ADT^A28^ADT_A05", patient(), sender="P01")
    (identifier,) = resources(map_message(sent), "Patient")[0]["identifier"]
    assert identifier["system"] == "https://osteon.example/sid/ipp/C01"


@pytest.mark.parametrize(
    ("centre", "start"),
    [("C01", "2024-03-10T10:00:00+01:00"), ("C13", "2024-03-10T10:00:00+04:00")],
)
def test_time_zone__is_that_of_the_centre(centre: str, start: str) -> None:
    own = patient().replace("IPP-C01", f"IPP-{centre}")
    sent = message("ADT^A01^ADT_A01", own, stay(), sender=centre)
    (encounter,) = resources(map_message(sent), "Encounter")
    assert encounter["period"]["start"] == start


@pytest.mark.parametrize(("centre", "codec"), [("C03", "iso8859-15"), ("C07", "latin-1")])
def test_character_set__is_that_of_the_centre_where_the_message_names_none(
    centre: str, codec: str
) -> None:
    named = message("ADT^A28^ADT_A05", patient() + "^NOËL", sender=centre)
    unnamed = named.raw.decode().replace("|UNICODE UTF-8", "").encode(codec)
    assert Message.parse(unnamed).faults()
    assert REGISTER.read(unnamed).faults() == []
