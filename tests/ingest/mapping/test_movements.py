"""Movements of PAM.fr: the stay, its movements, and events in any order."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import map_message
from tests.ingest.mapping.feed import message, movement, patient, stay
from tests.ingest.mapping.memory_store import MemoryStore
from tests.ingest.mapping.test_reconcile import load, state

ADMISSION = message(
    "ADT^A01^ADT_A01", patient(), stay(), movement("M1", "20240310100000"), time="20240310101500"
)
TRANSFER = message(
    "ADT^A02^ADT_A02",
    patient(),
    stay("REA^7^B"),
    movement("M2", "20240312080000"),
    time="20240312081500",
)
DISCHARGE = message(
    "ADT^A03^ADT_A03",
    patient(),
    stay("REA^7^B", discharged="20240320120000"),
    movement("M3", "20240320120000"),
    time="20240320121500",
)


def the_stay(store: MemoryStore) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [one for one in store.of_type("Encounter") if "partOf" not in one]
    return found


def places(encounter: dict[str, Any]) -> list[str]:
    return [one["location"]["display"] for one in encounter["location"]]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_stay__ends_discharged_from_its_last_place_in_any_order(order: tuple[int, ...]) -> None:
    messages = [ADMISSION, TRANSFER, DISCHARGE]
    store = load([messages[i] for i in order])
    assert state(store) == state(load(messages))
    encounter = the_stay(store)
    assert (encounter["status"], places(encounter)) == ("finished", ["REA / 7 / B"])
    assert encounter["period"]["end"] == "2024-03-20T12:00:00+01:00"


def test_movements__of_two_numbers_in_one_message_hold_it() -> None:
    several = message(
        "ADT^A02^ADT_A02",
        patient(),
        stay(),
        movement("M2", "20240312080000"),
        movement("M3", "20240313080000"),
    )
    held = map_message(several, stored=MemoryStore()).held
    assert [issue.id for issue in held] == ["v2-movements-several"]


def test_movements__are_encounters_that_are_part_of_the_stay() -> None:
    store = load([ADMISSION, TRANSFER])
    parts = [one for one in store.of_type("Encounter") if "partOf" in one]
    assert {one["partOf"]["reference"] for one in parts} == {f"Encounter/{the_stay(store)['id']}"}
    assert [one["period"]["start"] for one in parts] == [
        "2024-03-10T10:00:00+01:00",
        "2024-03-12T08:00:00+01:00",
    ]
    assert parts[0]["serviceType"]["coding"][0]["code"] == "4021"


def cancelled(event: str, number: str, start: str, **of_stay: str) -> Message:
    structure = event.replace("^", "_")
    return message(
        f"{event}^{structure}",
        patient(),
        stay(of_stay.get("place", "CHIR^101^A")),
        movement(number, start, "CANCEL"),
        time="20240321090000",
    )


@pytest.mark.parametrize(
    ("messages", "cancel", "status", "place"),
    [
        ([ADMISSION], cancelled("ADT^A11", "M1", "20240310100000"), "cancelled", "CHIR / 101 / A"),
        (
            [ADMISSION, TRANSFER],
            cancelled("ADT^A12", "M2", "20240312080000"),
            "in-progress",
            "CHIR / 101 / A",
        ),
        (
            [ADMISSION, TRANSFER, DISCHARGE],
            cancelled("ADT^A13", "M3", "20240320120000", place="REA^7^B"),
            "in-progress",
            "REA / 7 / B",
        ),
    ],
    ids=["A11", "A12", "A13"],
)
def test_cancellation__undoes_its_movement_in_any_order(
    messages: Sequence[Message], cancel: Message, status: str, place: str
) -> None:
    for order in permutations([*messages, cancel]):
        store = load(order)
        encounter = the_stay(store)
        assert (encounter["status"], places(encounter)) == (status, [place])
        assert "cancelled" in [
            one["status"] for one in store.of_type("Encounter") if "partOf" in one
        ]


def test_discharge__cancelled_leaves_no_end() -> None:
    store = load([ADMISSION, DISCHARGE, cancelled("ADT^A13", "M3", "20240320120000")])
    assert "end" not in the_stay(store)["period"]


def test_update__by_z99_is_read_as_the_event_that_it_updates() -> None:
    update = message(
        "ADT^Z99^ADT_A01",
        patient(),
        stay("REA^8^C", discharged="20240320130000"),
        movement("M3", "20240320120000", "UPDATE", "A03"),
        time="20240322080000",
    )
    encounter = the_stay(load([ADMISSION, DISCHARGE, update]))
    assert encounter["status"] == "finished"
    assert encounter["period"]["end"] == "2024-03-20T13:00:00+01:00"


def test_update__says_no_event_that_table_0003_lacks() -> None:
    update = message(
        "ADT^Z99^ADT_A01", patient(), stay(), movement("M1", "20240310110000", "UPDATE"),
        time="20240322080000",
    )  # fmt: skip
    types = [
        [coding["code"] for concept in one.get("type", ()) for coding in concept["coding"]]
        for one in load([ADMISSION, update]).of_type("Encounter")
        if "partOf" in one
    ]
    assert types == [["A01"]]


def test_movement__historic_and_told_later_moves_nobody() -> None:
    historic = message(
        "ADT^A02^ADT_A02",
        patient(),
        stay("URG^1^A"),
        movement("M0", "20240311080000", historic="Y"),
        time="20240325080000",
    )
    assert places(the_stay(load([ADMISSION, TRANSFER, historic]))) == ["REA / 7 / B"]


def test_preadmission__is_planned_until_the_patient_comes() -> None:
    planned = message(
        "ADT^A05^ADT_A05",
        patient(),
        stay(patient_class="P"),
        movement("M1", "20240310100000"),
        time="20240301080000",
    )
    assert the_stay(load([planned]))["status"] == "planned"
    assert the_stay(load([ADMISSION, planned]))["status"] == "in-progress"


def test_french_segments__say_how_the_patient_came_and_went() -> None:
    arrival = message("ADT^A01^ADT_A01", patient(), stay(), "ZFM|8|9|1|2", "ZFV|990000001^20240310")
    hospitalization = the_stay(load([arrival]))["hospitalization"]
    assert hospitalization["admitSource"]["coding"][0]["code"] == "8"
    assert hospitalization["dischargeDisposition"]["coding"][0]["code"] == "9"


def moved(
    event: str, number: str, start: str, place: str, *, day: int, action: str = "INSERT"
) -> Message:
    return message(
        f"{event}^{event.replace('^', '_')}",
        patient(),
        stay(place),
        movement(number, start, action, "A02" if event == "ADT^Z99" else ""),
        time=f"202404{day:02d}081500",
    )


FIRST = moved("ADT^A02", "M2", "20240312080000", "REA^7^B", day=1)
SECOND = moved("ADT^A02", "M3", "20240314080000", "ORTHO^9^C", day=2)
NOT_SECOND = moved("ADT^A12", "M3", "20240314080000", "REA^7^B", day=3, action="CANCEL")
NOT_FIRST = moved("ADT^A12", "M2", "20240312080000", "CHIR^101^A", day=4, action="CANCEL")
NOT_ADMITTED = moved("ADT^A11", "M1", "20240310100000", "CHIR^101^A", day=5, action="CANCEL")
EARLIER = moved("ADT^A02", "M4", "20240311080000", "SSR^2^D", day=5)
UPDATED = moved("ADT^Z99", "M3", "20240311090000", "HDJ^1^A", day=5, action="UPDATE")


@pytest.mark.parametrize(
    ("messages", "status", "place"),
    [
        ([ADMISSION, FIRST, SECOND, NOT_SECOND, NOT_FIRST], "in-progress", "CHIR / 101 / A"),
        ([ADMISSION, SECOND, NOT_SECOND, EARLIER], "in-progress", "SSR / 2 / D"),
        ([ADMISSION, FIRST, SECOND, UPDATED], "in-progress", "REA / 7 / B"),
        ([ADMISSION, FIRST, NOT_FIRST, NOT_ADMITTED], "cancelled", "CHIR / 101 / A"),
    ],
    ids=[
        "one after the other",
        "told again for an earlier time",
        "moved to an earlier time",
        "all",
    ],
)
def test_stay__follows_from_the_movements_that_stand(
    messages: Sequence[Message], status: str, place: str
) -> None:
    calm = state(load(messages))["Encounter"]
    orders = list(permutations(messages))
    for order in orders[:: len(orders) // 24]:
        store = load(order)
        assert state(store)["Encounter"] == calm
        encounter = the_stay(store)
        assert (encounter["status"], places(encounter)) == (status, [place])


def test_stay__begins_anew_after_its_admission_was_cancelled() -> None:
    not_admitted = cancelled("ADT^A11", "M1", "20240310100000")
    again = moved("ADT^A01", "M5", "20240310090000", "HDJ^1^A", day=6)
    encounter = the_stay(load([ADMISSION, not_admitted, again]))
    assert (encounter["status"], places(encounter)) == ("in-progress", ["HDJ / 1 / A"])


def test_discharge__cancelled_leaves_no_end_where_the_start_is_not_told_again() -> None:
    without_start = cancelled("ADT^A13", "M3", "20240320120000").raw.replace(
        b"|20240310100000|", b"||"
    )
    store = load([ADMISSION, DISCHARGE, Message.parse(without_start)])
    assert the_stay(store)["period"] == {"start": "2024-03-10T10:00:00+01:00"}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_update_of_the_patient__leaves_the_state_and_the_end_of_a_stay(
    order: tuple[int, ...],
) -> None:
    admitted = message("ADT^A01^ADT_A01", patient(), stay(), time="20240310101500")
    discharged = message(
        "ADT^A03^ADT_A03", patient(), stay(discharged="20240320120000"), time="20240320121500"
    )
    update = message(
        "ADT^A08^ADT_A01", patient(city="Ville-Nouvelle"), stay(), time="20240321080000"
    )
    messages = [admitted, discharged, update]
    encounter = the_stay(load([messages[i] for i in order]))
    assert encounter["status"] == "finished"
    assert encounter["period"] == {
        "start": "2024-03-10T10:00:00+01:00",
        "end": "2024-03-20T12:00:00+01:00",
    }


def test_discharge__says_nothing_of_how_the_patient_came() -> None:
    arrival = message("ADT^A01^ADT_A01", patient(), stay(), "ZFM|8", time="20240310101500")
    departure = message("ADT^A03^ADT_A03", patient(), stay(), "ZFM||9", time="20240320101500")
    hospitalization = the_stay(load([arrival, departure]))["hospitalization"]
    assert hospitalization["admitSource"]["coding"][0]["code"] == "8"
    assert hospitalization["dischargeDisposition"]["coding"][0]["code"] == "9"


def test_end_of_a_stay__cleared_leaves_its_start() -> None:
    cleared = message("ADT^A08^ADT_A01", patient(), stay(discharged='""'), time="20240321080000")
    assert the_stay(load([ADMISSION, DISCHARGE, cleared]))["period"] == {
        "start": "2024-03-10T10:00:00+01:00"
    }
