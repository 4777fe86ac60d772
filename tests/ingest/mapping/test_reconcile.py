"""A message against what is stored: the order of arrival does not matter, nothing is made twice."""

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import map_message
from tests.ingest.mapping.conftest import read_message
from tests.ingest.mapping.memory_store import MemoryStore


def load(messages: Sequence[Message]) -> MemoryStore:
    store = MemoryStore()
    for message in messages:
        result = map_message(message, stored=store)
        assert not result.held, result.held
        store.apply(result.bundle)
    return store


def state(store: MemoryStore) -> dict[str, list[Any]]:
    """What the store holds, without ids and versions, in an order of its own."""
    names = {"/".join(key): _name(resource) for key, resource in store.resources.items()}
    content: dict[str, list[Any]] = {}
    for (kind, _), resource in store.resources.items():
        bare = {n: v for n, v in resource.items() if n not in {"id", "meta"}}
        bare["tag"] = resource["meta"].get("tag")
        content.setdefault(kind, []).append(_named(bare, names))
    return {kind: sorted(several, key=repr) for kind, several in content.items()}


def _name(resource: dict[str, Any]) -> str:
    numbers = sorted(i["value"] for i in resource.get("identifier", ()))
    return f"{resource['resourceType']} {numbers or resource['id']}"


def _named(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            n: names.get(v, v) if n == "reference" else _named(v, names)
            for n, v in sorted(value.items())
        }
    if isinstance(value, list):
        return sorted((_named(one, names) for one in value), key=repr)
    return value


PRELIMINARY = read_message(
    "oru_r01_narrative",
    ("ORU-0001", "ORU-0000"),
    ("20240318142500|||F", "20240315090000|||P"),
    ("de haut grade du fémur gauche.||||||F", "à confirmer.||||||P"),
)
FINAL = read_message("oru_r01_narrative")
CORRECTED = read_message(
    "oru_r01_narrative",
    ("ORU-0001", "ORU-0003"),
    ("20240318142500|||F", "20240320120000|||C"),
    ("85|mm^mm^UCUM|||||F", "58|mm^mm^UCUM|||||C"),
)
EXPERT = read_message("oru_r01_synoptic", ("9180/3^Osteosarcoma", "9183/3^Telangiectatic"))
ADMISSION = read_message("adt_a01_pam_fr")
MOVED = read_message(
    "adt_a01_pam_fr",
    ("ADT-0001", "ADT-0002"),
    ("20240310101500||ADT^A01^ADT_A01", "20240402080000||ADT^A31^ADT_A05"),
    ("Ville-Fictive", "Ville-Nouvelle"),
    ("^PRN^PH^^33^1^23456789", '""'),
    ("PV1|1|I|", "PV1|1|N|"),
)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_reports__of_one_number_end_corrected_in_any_order(order: tuple[int, ...]) -> None:
    messages = [PRELIMINARY, FINAL, CORRECTED]
    store = load([messages[i] for i in order])
    (report,) = store.of_type("DiagnosticReport")
    assert report["status"] == "corrected"
    size = next(o for o in store.of_type("Observation") if "33728-7" in str(o["code"]))
    assert (size["status"], size["valueQuantity"]["value"]) == ("corrected", 58)


WITHDRAWN = ("20240318142500|||F", "20240321120000|||X")
"""A cancellation (OBR-25 X) a day after the correction."""
ORDER_CANCELLED = ("20240318142500|||F", "20240321120000|||F"), ("ORC|RE|", "ORC|CA|")
"""The order taken back (ORC-1 CA), the status of the report left as it was."""


@pytest.mark.parametrize("changes", [(WITHDRAWN,), ORDER_CANCELLED], ids=["OBR-25 X", "ORC-1 CA"])
@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_report__cancelled_after_its_correction_ends_so_in_any_order(
    order: tuple[int, ...], changes: tuple[tuple[str, str], ...]
) -> None:
    cancelled = read_message("oru_r01_narrative", ("ORU-0001", "ORU-0005"), *changes)
    messages = [PRELIMINARY, FINAL, CORRECTED, cancelled]
    (report,) = load([messages[i] for i in order]).of_type("DiagnosticReport")
    assert report["status"] == "cancelled"


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_report__corrected_after_its_cancellation_ends_so_in_any_order(
    order: tuple[int, ...],
) -> None:
    early = ("20240318142500|||F", "20240319120000|||X")
    cancelled = read_message("oru_r01_narrative", ("ORU-0001", "ORU-0005"), early)
    messages = [FINAL, cancelled, CORRECTED]
    (report,) = load([messages[i] for i in order]).of_type("DiagnosticReport")
    assert report["status"] == "corrected"


def issued(
    number: str, time: str, status: str, *changes: tuple[str, str], sent: str = ""
) -> Message:
    """The report as it was issued at a time with a status; `sent` the time of its message."""
    header = (("20240318143000||ORU", f"{sent}||ORU"),) if sent else ()
    at = ("20240318142500|||F", f"{time}|||{status}")
    return read_message("oru_r01_narrative", ("ORU-0001", number), at, *header, *changes)


@pytest.mark.parametrize("order", list(permutations(range(5)))[::5])
def test_report__issued_again_after_its_cancellation_is_final_in_any_order(
    order: tuple[int, ...],
) -> None:
    again = issued("ORU-0006", "20240322120000", "F", ("85|mm^mm^UCUM", "61|mm^mm^UCUM"))
    cancelled = issued("ORU-0005", "20240321120000", "X")
    messages = [PRELIMINARY, FINAL, CORRECTED, cancelled, again]
    store = load([messages[i] for i in order])
    (report,) = store.of_type("DiagnosticReport")
    assert report["status"] == "final"
    size = next(o for o in store.of_type("Observation") if "33728-7" in str(o["code"]))
    assert (size["status"], size["valueQuantity"]["value"]) == ("final", 61)
    assert state(store) == state(load(messages))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_report__preliminary_after_its_cancellation_stays_cancelled(
    order: tuple[int, ...],
) -> None:
    late = issued("ORU-0006", "20240322120000", "P")
    messages = [FINAL, issued("ORU-0005", "20240321120000", "X"), late]
    (report,) = load([messages[i] for i in order]).of_type("DiagnosticReport")
    assert report["status"] == "cancelled"


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize(
    ("second", "third", "ends"), [("X", "C", "corrected"), ("C", "X", "cancelled")]
)
def test_report__whose_time_of_issue_is_left_as_it_was_ends_by_the_last_message(
    order: tuple[int, ...], second: str, third: str, ends: str
) -> None:
    messages = [
        FINAL,
        issued("ORU-0005", "20240318142500", second, sent="20240319150000"),
        issued("ORU-0006", "20240318142500", third, sent="20240320150000"),
    ]
    (report,) = load([messages[i] for i in order]).of_type("DiagnosticReport")
    assert report["status"] == ends


@pytest.mark.parametrize("status", ["P", "F"])
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_report__sent_again_with_its_time_of_issue_is_as_the_last_message_tells_it(
    order: tuple[int, ...], status: str
) -> None:
    sizes = {"20240319150000": 61, "20240320150000": 99, "20240321150000": 11}
    messages = [
        issued(
            f"ORU-{size}",
            "20240318142500",
            status,
            ("85|mm^mm^UCUM", f"{size}|mm^mm^UCUM"),
            sent=time,
        )
        for time, size in sizes.items()
    ]
    store = load([messages[i] for i in order])
    size = next(o for o in store.of_type("Observation") if "33728-7" in str(o["code"]))
    assert size["valueQuantity"]["value"] == 11


@pytest.mark.parametrize("order", list(permutations(range(2))))
def test_tumour__is_as_the_report_that_stands_tells_it(order: tuple[int, ...]) -> None:
    another = ("24P00001", "24P00999"), ("9180/3^Ostéosarcome", "9220/3^Chondrosarcome")
    messages = [FINAL, issued("ORU-0005", "20240329120000", "X", *another)]
    store = load([messages[i] for i in order])
    assert len(store.of_type("DiagnosticReport")) == 2
    (tumour,) = store.of_type("Condition")
    assert "9180/3" in str(tumour["extension"])
    assert "9220/3" not in str(tumour["extension"])


def test_report__deleted_by_the_volet_of_documents_is_entered_in_error() -> None:
    deletion = (("ORC|RE|", "ORC|CA|"), ("|UNICODE UTF-8", "|UNICODE UTF-8|||2.1^CISIS_CDA_HL7_V2"))
    deleted = read_message("oru_r01_narrative", ("ORU-0001", "ORU-0005"), *deletion)
    (report,) = load([FINAL, deleted]).of_type("DiagnosticReport")
    assert report["status"] == "entered-in-error"


@pytest.mark.parametrize("order", list(permutations(range(5)))[::7])
def test_messages__in_any_order_make_the_same_store(order: tuple[int, ...]) -> None:
    messages = [PRELIMINARY, FINAL, EXPERT, ADMISSION, MOVED]
    assert state(load([messages[i] for i in order])) == state(load(messages))


def test_message__again_writes_nothing() -> None:
    store = load([ADMISSION, FINAL])
    before = store.writes
    for message in (ADMISSION, FINAL):
        assert map_message(message, stored=store).bundle is None
    assert store.writes == before


def test_patient__keeps_what_a_message_leaves_empty_and_loses_what_it_clears() -> None:
    store = load([ADMISSION, MOVED])
    (patient,) = store.of_type("Patient")
    assert patient["address"][0]["city"] == "Ville-Nouvelle"
    assert "telecom" not in patient
    assert patient["maritalStatus"]["coding"][0]["code"] == "S"


def test_report__never_overwrites_what_an_adt_said_of_the_patient() -> None:
    store = load([ADMISSION, read_message("oru_r01_narrative", ("19900412|F", "1991|M"))])
    (patient,) = store.of_type("Patient")
    assert (patient["birthDate"], patient["gender"]) == ("1990-04-12", "female")


def test_tumour__is_one_for_first_and_expert_reading() -> None:
    store = load([FINAL, EXPERT])
    (tumour,) = store.of_type("Condition")
    morphology = next(e for e in tumour["extension"] if e["url"].endswith("/morphology"))
    assert morphology["valueCodeableConcept"]["coding"][0]["code"] == "9183/3"
    assert len(tumour["evidence"][0]["detail"]) == 2
    assert len(store.of_type("DiagnosticReport")) == 2


def test_first_reading__coming_late_leaves_the_experts_morphology() -> None:
    store = load([EXPERT, FINAL])
    (tumour,) = store.of_type("Condition")
    morphology = next(e for e in tumour["extension"] if e["url"].endswith("/morphology"))
    assert morphology["valueCodeableConcept"]["coding"][0]["code"] == "9183/3"


def test_patient__known_by_hospital_number_gets_a_national_identity_later() -> None:
    unqualified = read_message("adt_a01_pam_fr", ("ADT-0001", "ADT-0000"), ("||VALI", "||PROV"))
    store = load([unqualified, ADMISSION])
    (patient,) = store.of_type("Patient")
    assert len(patient["identifier"]) == 2


def test_patients__of_two_records_behind_one_message_hold_it() -> None:
    ins_only = read_message("adt_a01_pam_fr", ("100001^^^IPP-C01^PI~", "200002^^^IPP-C01^PI~"))
    ipp_only = read_message("adt_a01_pam_fr", ("||VALI", "||PROV"))
    store = load([ins_only, ipp_only])
    held = map_message(ADMISSION, stored=store).held
    assert [issue.id for issue in held] == ["v2-identity-conflict"]


@pytest.mark.parametrize(
    ("status", "ends"),
    [("C", "corrected"), ("D", "entered-in-error"), ("W", "entered-in-error"), ("X", "cancelled")],
)
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_result__corrected_or_deleted_ends_so_in_any_order(
    status: str, ends: str, order: tuple[int, ...]
) -> None:
    change = read_message(
        "oru_r01_narrative",
        ("ORU-0001", "ORU-0004"),
        ("20240318142500|||F", "20240320120000|||C"),
        ("85|mm^mm^UCUM|||||F", f"85|mm^mm^UCUM|||||{status}"),
    )
    messages = [PRELIMINARY, FINAL, change]
    store = load([messages[i] for i in order])
    size = next(o for o in store.of_type("Observation") if "33728-7" in str(o["code"]))
    assert size["status"] == ends


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_patient__is_as_the_newest_message_says_and_a_report_may_come_first(
    order: tuple[int, ...],
) -> None:
    messages = [FINAL, ADMISSION, MOVED]
    store = load([messages[i] for i in order])
    (patient,) = store.of_type("Patient")
    (report,) = store.of_type("DiagnosticReport")
    assert patient["address"][0]["city"] == "Ville-Nouvelle"
    assert report["subject"]["reference"] == f"Patient/{patient['id']}"


def test_message__asks_the_store_a_few_times_only() -> None:
    store = load([ADMISSION])
    store.searches = 0
    map_message(FINAL, stored=store)
    assert store.searches <= 8
