"""The national identity in a stored record: on qualified identities only, and one at a time."""

from itertools import permutations
from typing import Any

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import map_message
from tests.ingest.mapping.feed import message, patient
from tests.ingest.mapping.memory_store import MemoryStore
from tests.ingest.mapping.test_reconcile import load

AUTHORITY = "ASIP-SANTE-INS-NIR-DEMO&1.2.250.1.213.1.4.11&ISO"
INS, ANOTHER = "199010100000101", "199010100000202"


def identity(time: str, status: str, ins: str = "", event: str = "ADT^A31^ADT_A05") -> Message:
    """An identity of IPP 100001, with or without an INS, as far as PID-32 says it is established."""
    number = "100001^^^IPP-C01^PI"
    with_ins = f"{number}~{ins}^^^{AUTHORITY}^INS" if ins else number
    pid = patient().replace(number, with_ins)
    return message(event, pid + "|" * (32 - pid.count("|")) + status, time=time)


def the_patient(store: MemoryStore) -> tuple[set[str], str]:
    """The numbers and the status of the one patient."""
    (found,) = store.of_type("Patient")
    (tag,) = found["meta"]["tag"]
    return {one["value"] for one in found["identifier"]}, tag["code"]


QUALIFIED = identity("20240301080000", "VALI", INS)


@pytest.mark.parametrize("status", ["PROV", "PROV~DOUT", "VIDE"])
@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_ins__is_taken_off_an_identity_that_is_no_longer_qualified(
    order: tuple[int, ...], status: str
) -> None:
    messages = [QUALIFIED, identity("20240401080000", status)]
    assert the_patient(load([messages[i] for i in order])) == ({"100001"}, "PROV")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_ins__comes_back_with_the_next_qualification(order: tuple[int, ...]) -> None:
    messages = [
        QUALIFIED,
        identity("20240401080000", "PROV"),
        identity("20240501080000", "VALI", INS),
    ]
    found = the_patient(load([messages[i] for i in order]))
    assert found == ({"100001", INS}, "QUAL")


def test_status__stays_where_a_message_says_nothing_of_it() -> None:
    store = load([QUALIFIED, identity("20240401080000", "")])
    assert the_patient(store) == ({"100001", INS}, "QUAL")


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_ins__of_another_value_for_one_number_holds_the_message(order: tuple[int, ...]) -> None:
    messages: list[Any] = [QUALIFIED, identity("20240401080000", "VALI", ANOTHER)]
    first, second = (messages[i] for i in order)
    held = map_message(second, stored=load([first])).held
    assert [issue.id for issue in held] == ["v2-ins-changed"]
    assert {INS, ANOTHER}.isdisjoint(held[0].text("en").split())


def test_ins__is_replaced_by_the_change_of_number_that_retires_it() -> None:
    change = identity("20240401080000", "VALI", ANOTHER, "ADT^A47^ADT_A30")
    retiring = Message.parse(bytes(change.raw) + f"\rMRG|{INS}^^^{AUTHORITY}^INS".encode())
    assert the_patient(load([QUALIFIED, retiring])) == ({"100001", ANOTHER}, "QUAL")


@pytest.mark.parametrize("kind", ["", "&iso", "&Iso", "&OID"])
def test_ins__has_its_own_system_whatever_the_kind_of_its_authority(kind: str) -> None:
    authority = AUTHORITY.replace("&ISO", kind)
    sent = bytes(QUALIFIED.raw).replace(AUTHORITY.encode(), authority.encode())
    (found,) = load([Message.parse(sent)]).of_type("Patient")
    (ins,) = [one for one in found["identifier"] if one["value"] == INS]
    assert ins["system"] == "urn:oid:1.2.250.1.213.1.4.11"


@pytest.mark.parametrize("authority", ["ASIP-SANTE-INS-NIR", ""])
def test_ins__without_its_oid_is_taken_off_with_the_qualification(authority: str) -> None:
    zfd = "\rZFD|||||INSI|20240301"
    named = bytes(QUALIFIED.raw).replace(AUTHORITY.encode(), authority.encode())
    first = Message.parse(named + zfd.encode())
    assert the_patient(load([first])) == ({"100001", INS}, "QUAL")
    store = load([first, identity("20240401080000", "PROV")])
    assert the_patient(store) == ({"100001"}, "PROV")


def test_ins__of_two_names_under_one_authority_contradict_no_message_that_has_both() -> None:
    one = f"{INS}^^^{AUTHORITY}^INS"
    both = f"{INS}^^^ASIP-SANTE^INS-NIR~{ANOTHER}^^^ASIP-SANTE^INS-NIA"
    sent = bytes(QUALIFIED.raw).replace(one.encode(), both.encode()) + b"\rZFD|||||INSI|20240301"
    again = sent.replace(b"20240301080000", b"20240302080000")
    store = load([Message.parse(sent), Message.parse(again)])
    assert the_patient(store) == ({"100001", INS, ANOTHER}, "QUAL")
