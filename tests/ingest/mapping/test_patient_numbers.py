"""Numbers of patients as software of other countries writes them."""

from pathlib import Path

import pytest

from ingest.mapping import load_library, map_message
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
