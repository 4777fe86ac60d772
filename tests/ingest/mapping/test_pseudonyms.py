"""The national pseudonym: the last number by which a patient is found, after the INS and hospital numbers."""

from itertools import permutations

import pytest

from ingest.mapping import map_message
from tests.ingest.mapping.conformity import validator
from tests.ingest.mapping.conftest import only
from tests.ingest.mapping.feed import message, patient
from tests.ingest.mapping.memory_store import MemoryStore
from tests.ingest.mapping.test_reconcile import load

NATIONAL = "https://osteon.example/sid/pseudonym/national"
BY_PSEUDONYM = message(
    "ADT^A28^ADT_A05",
    "PID|1||K7QX-22M9^^^RESEAU-NAT^ANON||||19900412|F",
    sender="C02",
    time="20240301080000",
)
BY_BOTH = message(
    "ADT^A28^ADT_A05",
    "PID|1||100001^^^IPP-C01^PI~K7QX-22M9^^^RESEAU-NAT^ANON||||19900412|F",
    time="20240302080000",
)
BY_NUMBER = message("ADT^A31^ADT_A05", patient(city="Ville-Fictive"), time="20240303080000")


def test_pseudonym__is_told_by_its_authority_and_conforms() -> None:
    found = only(map_message(BY_PSEUDONYM), "Patient")
    (identifier,) = found["identifier"]
    assert (identifier["system"], identifier["value"]) == (NATIONAL, "K7QX-22M9")
    assert identifier["type"]["coding"][0]["code"] == "PSEUDED"
    faults = [i.id for i in validator().validate(found) if i.severity in {"error", "fatal"}]
    assert faults == []


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_pseudonym__finds_the_patient_in_any_order_once_a_message_joins_it(
    order: tuple[int, ...],
) -> None:
    messages = [BY_BOTH, BY_PSEUDONYM, BY_NUMBER]
    if {order[0], order[1]} == {1, 2}:
        store = MemoryStore()
        for number in order[:2]:
            store.apply(map_message(messages[number], stored=store).bundle)
        held = map_message(BY_BOTH, stored=store).held
        assert [issue.id for issue in held] == ["v2-identity-conflict"]
        return
    (found,) = load([messages[i] for i in order]).of_type("Patient")
    assert {one["value"] for one in found["identifier"]} == {"100001", "K7QX-22M9"}


def test_pseudonym__comes_after_the_number_of_a_hospital() -> None:
    result = map_message(BY_BOTH)
    assert result.bundle is not None
    url = result.bundle["entry"][0]["request"]["url"]
    assert url == "Patient?identifier=https://osteon.example/sid/ipp/C01|100001"


def test_pseudonym__for_a_partner_finds_nobody() -> None:
    partner = message(
        "ADT^A28^ADT_A05",
        "PID|1||K7QX^^^&https://osteon.example/sid/pseudonym/partner-a&URI^ANON||||19900412|F",
    )
    assert [issue.id for issue in map_message(partner).held] == ["v2-identity-missing"]


def test_anonymous_number__of_another_authority_stays_what_it_says() -> None:
    result = map_message(
        message("ADT^A28^ADT_A05", "PID|1||7^^^IPP-C01^PI~8^^^AUTRE^ANON||||19900412|F")
    )
    (_, other) = only(result, "Patient")["identifier"]
    assert other["type"]["coding"][0]["code"] == "ANON"
