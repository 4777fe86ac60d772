"""A40 and A47: one record takes the place of another; later messages for it find the survivor."""

from itertools import pairwise, permutations
from typing import Any

import pytest

from ingest.mapping import map_message
from tests.ingest.mapping.conftest import read_message
from tests.ingest.mapping.feed import message, movement, patient, stay
from tests.ingest.mapping.memory_store import MemoryStore
from tests.ingest.mapping.test_reconcile import load

RETIRED = message(
    "ADT^A28^ADT_A05", patient("100002", city="Ville-Ancienne"), time="20240301080000"
)
SURVIVOR = message("ADT^A28^ADT_A05", patient("100001"), time="20240302080000")
STAY_OF_RETIRED = message(
    "ADT^A01^ADT_A01",
    patient("100002"),
    stay(),
    movement("M1", "20240310100000"),
    time="20240310101500",
)
MERGE = message(
    "ADT^A40^ADT_A39", patient("100001"), "MRG|100002^^^IPP-C01^PI", time="20240401080000"
)
RENUMBER = message(
    "ADT^A47^ADT_A30", patient("100001"), "MRG|100002^^^IPP-C01^PI", time="20240401080000"
)
MOVED_LATER = message(
    "ADT^A31^ADT_A05", patient("100002", city="Ville-Nouvelle"), time="20240501080000"
)


def active(store: MemoryStore) -> list[dict[str, Any]]:
    return [one for one in store.of_type("Patient") if one["active"]]


def numbers(resource: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["value"], one["use"]) for one in resource["identifier"]}


def test_merge__retires_the_record_and_links_both() -> None:
    store = load([RETIRED, SURVIVOR, MERGE])
    (survivor,) = active(store)
    (retired,) = [one for one in store.of_type("Patient") if not one["active"]]
    assert survivor["link"] == [
        {"other": {"reference": f"Patient/{retired['id']}"}, "type": "replaces"}
    ]
    assert retired["link"] == [
        {"other": {"reference": f"Patient/{survivor['id']}"}, "type": "replaced-by"}
    ]
    assert numbers(survivor) == {("100001", "usual"), ("100002", "old")}


def test_merge__moves_what_refers_to_the_retired_record() -> None:
    store = load([STAY_OF_RETIRED, SURVIVOR, MERGE])
    (survivor,) = active(store)
    subjects = {one["subject"]["reference"] for one in store.of_type("Encounter")}
    assert subjects == {f"Patient/{survivor['id']}"}


@pytest.mark.parametrize("event", [MERGE, RENUMBER], ids=["A40", "A47"])
@pytest.mark.parametrize("order", list(permutations(range(5)))[::3])
def test_merge__ends_with_one_active_record_in_any_order(
    event: Any, order: tuple[int, ...]
) -> None:
    messages = [RETIRED, SURVIVOR, STAY_OF_RETIRED, event, MOVED_LATER]
    store = load([messages[i] for i in order])
    (survivor,) = active(store)
    assert survivor["address"][0]["city"] == "Ville-Nouvelle"
    assert numbers(survivor) == {("100001", "usual"), ("100002", "old")}
    assert {one["subject"]["reference"] for one in store.of_type("Encounter")} == {
        f"Patient/{survivor['id']}"
    }


def test_renumbering__keeps_the_one_record_there_is() -> None:
    store = load([RETIRED, RENUMBER])
    (one,) = store.of_type("Patient")
    assert numbers(one) == {("100001", "usual"), ("100002", "old")}


def test_report__for_the_retired_number_goes_to_the_survivor() -> None:
    report = read_message("oru_r01_narrative", ("100001^^^IPP-C01", "100002^^^IPP-C01"))
    store = load([RETIRED, SURVIVOR, MERGE, report])
    (survivor,) = active(store)
    (found,) = store.of_type("DiagnosticReport")
    assert found["subject"]["reference"] == f"Patient/{survivor['id']}"


BACK = message(
    "ADT^A40^ADT_A39", patient("100002"), "MRG|100001^^^IPP-C01^PI", time="20240601080000"
)
"""The merge the other way round, two months later."""


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_merge__the_other_way_round_brings_the_first_number_back(order: tuple[int, ...]) -> None:
    merges = [MERGE, BACK]
    store = load([RETIRED, SURVIVOR, *(merges[i] for i in order), MOVED_LATER])
    (survivor,) = active(store)
    assert numbers(survivor) == {("100001", "old"), ("100002", "usual")}


def test_merge__of_a_merged_record_goes_on_to_the_last_one() -> None:
    third = message("ADT^A28^ADT_A05", patient("100003"), time="20240303080000")
    onward = message(
        "ADT^A40^ADT_A39", patient("100003"), "MRG|100001^^^IPP-C01^PI", time="20240601080000"
    )
    store = load([RETIRED, SURVIVOR, third, MERGE, onward, MOVED_LATER])
    (last,) = active(store)
    assert ("100003", "usual") in numbers(last)


def test_merge__again_writes_nothing() -> None:
    store = load([RETIRED, SURVIVOR, MERGE])
    assert map_message(MERGE, stored=store).bundle is None


def test_merge__finds_the_last_survivor_of_many_merges() -> None:
    numbers_in_use = [f"1000{one:02d}" for one in range(1, 13)]
    merges = [
        message(
            "ADT^A40^ADT_A39",
            patient(later),
            f"MRG|{earlier}^^^IPP-C01^PI",
            time=f"202404{day:02d}080000",
        )
        for day, (earlier, later) in enumerate(pairwise(numbers_in_use), 1)
    ]
    records = [message("ADT^A28^ADT_A05", patient(number)) for number in numbers_in_use]
    moved = message(
        "ADT^A31^ADT_A05", patient("100001", city="Ville-Nouvelle"), time="20240501080000"
    )
    (survivor,) = active(load([*records, *merges, moved]))
    assert survivor["address"][0]["city"] == "Ville-Nouvelle"
    assert ("100012", "usual") in numbers(survivor)


@pytest.mark.parametrize(
    "segments",
    [
        ["MRG|100001^^^IPP-C01^PI"],
        ["MRG|"],
        [],
        ["MRG|100002"],
        ["MRG|100002^^^EPIC^MR"],
        ["MRG|24001^^^NDA-C01^VN"],
    ],
    ids=["itself", "empty", "no MRG", "no authority", "unknown authority", "a stay"],
)
def test_merge__that_retires_no_number_is_held(segments: list[str]) -> None:
    merge = message("ADT^A40^ADT_A39", patient("100001"), *segments, time="20240401080000")
    held = map_message(merge, stored=load([SURVIVOR])).held
    assert [issue.id for issue in held] == ["v2-merge-retires-nothing"]


def test_merge__does_not_retire_a_number_that_stays_in_use() -> None:
    merge = message(
        "ADT^A40^ADT_A39",
        patient("100001"),
        "MRG|100002^^^IPP-C01^PI~100001^^^IPP-C01^PI",
        time="20240401080000",
    )
    (survivor,) = active(load([RETIRED, SURVIVOR, merge]))
    assert numbers(survivor) == {("100001", "usual"), ("100002", "old")}


def test_renumbering__of_a_national_identity_alone_is_no_empty_merge() -> None:
    ins = "MRG|199010100000101^^^ASIP-SANTE-INS-NIR&1.2.250.1.213.1.4.11&ISO^INS"
    renumbered = message("ADT^A47^ADT_A30", patient("100001"), ins, time="20240401080000")
    assert not map_message(renumbered, stored=load([SURVIVOR])).held
