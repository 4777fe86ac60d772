"""Numbers of patients as software of other countries writes them."""

from pathlib import Path
from typing import Any

import pytest

from ingest.mapping import MappingResult, load_library, map_message
from ingest.mapping.library import Library
from tests.ingest.mapping.feed import message, patient
from tests.ingest.mapping.memory_store import MemoryStore
from tests.ingest.mapping.test_merge import active, numbers
from tests.ingest.mapping.test_reconcile import load

TYPED = "100001^^^IPP-C01^PI"


def written(number: str) -> str:
    """PID with a number as given."""
    return patient().replace(TYPED, number)


@pytest.mark.parametrize("number", ["100001^^^IPP-C01^MR", "100001^^^IPP-C01"])
def test_number__under_an_authority_of_the_register_is_the_ipp(number: str) -> None:
    store = load(
        [
            message("ADT^A28^ADT_A05", written(number)),
            message("ADT^A31^ADT_A05", patient(), time="20240401080000"),
        ]
    )
    (one,) = store.of_type("Patient")
    assert one["identifier"][0]["type"]["coding"][0]["code"] == "PI"
    assert numbers(one) == {("100001", "usual")}


@pytest.mark.parametrize("number", ["100001^^^EPIC^MR", "100001", "1^^^NDA-C01", "1^^^TUM-P01"])
def test_number__of_nobody_the_register_knows_identifies_nobody(number: str) -> None:
    (issue, *_) = map_message(message("ADT^A28^ADT_A05", written(number))).held
    assert issue.id == "v2-identity-missing"
    assert "missing-authorities" in issue.hint("en")


def test_number__typed_mr_is_retired_by_a_merge() -> None:
    merge = message(
        "ADT^A40^ADT_A39",
        patient("100002"),
        "MRG|100001^^^IPP-C01^MR",
        time="20240401080000",
    )
    store = load([message("ADT^A28^ADT_A05", written("100001^^^IPP-C01^MR")), merge])
    (survivor,) = active(store)
    assert numbers(survivor) == {("100001", "old"), ("100002", "usual")}


def test_number__without_authority_has_the_one_of_the_quirks(own_maps: Path) -> None:
    folder = own_maps / "centres" / "C01"
    folder.mkdir(parents=True)
    (folder / "quirks.yaml").write_text("missing-authorities: {PID-3: IPP-C01}")
    library = load_library(own_maps)
    sent = message("ADT^A28^ADT_A05", written("100001~55^^^^AN"))
    read = library.register.read(bytes(sent.raw))
    result = map_message(read, stored=MemoryStore(), library=library)
    assert not result.held
    (found,) = [one for one in result.resources if one["resourceType"] == "Patient"]
    systems = [one.get("system") for one in found["identifier"]]
    assert systems == ["https://osteon.example/sid/ipp/C01", None]


def with_authorities(own_maps: Path, **further: str) -> Library:
    """The maps, whose register gives centres a further authority."""
    register = own_maps / "centres.csv"
    lines = register.read_text(encoding="utf-8")
    for centre, authority in further.items():
        own = f"IPP-{centre}=https://osteon.example/sid/ipp/{centre}"
        lines = lines.replace(own, f"{own} {authority}")
    register.write_text(lines, encoding="utf-8")
    return load_library(own_maps)


def read_as(number: str, sender: str, library: Library) -> MappingResult:
    """What becomes of a number that a centre sends."""
    sent = message("ADT^A28^ADT_A05", written(number), sender=sender)
    return map_message(sent, stored=MemoryStore(), library=library)


def first_number(result: MappingResult) -> dict[str, Any]:
    """The first number of the patient of a result."""
    (found,) = [one for one in result.resources if one["resourceType"] == "Patient"]
    number: dict[str, Any] = found["identifier"][0]
    return number


def test_namespace__of_two_centres_is_not_that_of_the_first(own_maps: Path) -> None:
    library = with_authorities(
        own_maps,
        C01="HOSP=https://osteon.example/sid/ipp/C01",
        C02="HOSP=https://osteon.example/sid/ipp/C02",
    )
    systems = [
        first_number(read_as("100001^^^HOSP^PI", sender, library))["system"]
        for sender in ("C01", "C02", "P01")
    ]
    assert systems == [
        "https://osteon.example/sid/ipp/C01",
        "https://osteon.example/sid/ipp/C02",
        "https://osteon.example/sid/P01/HOSP",
    ]


@pytest.mark.parametrize("number", ["100001^^^EPIC^MR", "100001^^^EPIC"])
def test_number__under_the_namespace_of_another_hospital_is_no_ipp(
    own_maps: Path, number: str
) -> None:
    library = with_authorities(own_maps, C01="EPIC=https://osteon.example/sid/ipp/C01")
    assert first_number(read_as(number, "C01", library))["use"] == "usual"
    assert first_number(read_as(number, "P01", library))["use"] == "usual"
    (issue, *_) = read_as(number, "C02", library).held
    assert issue.id == "v2-identity-missing"


def test_number__under_the_system_of_the_national_identity_is_no_ipp(own_maps: Path) -> None:
    library = with_authorities(own_maps, C01="INS=urn:oid:1.2.250.1.213.1.4.10")
    (issue, *_) = read_as("279035121518989^^^INS", "C01", library).held
    assert issue.id == "v2-identity-missing"
