"""Numbers of patients as software of other countries writes them."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fhir_server.model.issues import Issue
from ingest.journal.issue_json import issue_to_json
from ingest.journal.work_items import WorkItem
from ingest.mapping import MapError, MappingResult, load_library, map_message
from ingest.mapping.library import Library
from ingest.resolution import resolves
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


def hold_reasons(result: MappingResult) -> list[str]:
    """Why a message is held."""
    return [issue.id for issue in result.held]


@pytest.mark.parametrize(
    "number", ["1^^^IPP-C01^PI", "1^^^IPP-P01^PI", "7^^^LOCAL^PI~1^^^IPP-C01^PI"]
)
def test_number__of_another_centre_is_held_where_a_hospital_sends_it(number: str) -> None:
    result = map_message(message("ADT^A28^ADT_A05", written(number), sender="C02"))
    assert hold_reasons(result) == ["v2-number-of-another-centre"]
    assert result.held[0].parameters["centre"] == "C02"


@pytest.mark.parametrize(
    "number", ["7^^^IPP-C02^PI~1^^^IPP-C01^PI", "1^^^IPP-C01^PI~7^^^IPP-C02^PI"]
)
def test_number__of_another_centre_beside_the_hospitals_own_is_of_one_patient(number: str) -> None:
    sent_on = message("ADT^A28^ADT_A05", written(number), sender="C02", time="20240401080000")
    store = load([message("ADT^A28^ADT_A05", written("1^^^IPP-C01^PI")), sent_on])
    (one,) = store.of_type("Patient")
    assert numbers(one) == {("1", "usual"), ("7", "usual")}


def test_number__of_another_centre_retires_nobody_of_it() -> None:
    merge = ("ADT^A40^ADT_A39", written("7^^^IPP-C02^PI"), "MRG|100001^^^IPP-C01")
    result = map_message(message(*merge, sender="C02"))
    assert hold_reasons(result) == ["v2-number-of-another-centre"]


def test_number__of_a_hospital_is_taken_from_a_laboratory() -> None:
    assert hold_reasons(map_message(message("ADT^A28^ADT_A05", patient(), sender="P01"))) == []


def test_number__of_another_centre_is_taken_where_the_register_says_so(own_maps: Path) -> None:
    library = with_authorities(own_maps, C02="IPP-C01=https://osteon.example/sid/ipp/C01")
    result = read_as(TYPED, "C02", library)
    assert hold_reasons(result) == []
    assert first_number(result)["system"] == "https://osteon.example/sid/ipp/C01"


def make_a_laboratory_too(own_maps: Path) -> None:
    """Let C02 be a hospital and a laboratory."""
    register = own_maps / "centres.csv"
    lines = register.read_text(encoding="utf-8")
    register.write_text(lines.replace("02 (fictif),clinical", "02 (fictif),both"), encoding="utf-8")


@pytest.mark.parametrize(("event", "is_held"), [("ADT^A28^ADT_A05", True), ("SIU^S12", False)])
def test_number__of_another_centre_is_taken_from_a_hospital_that_is_a_laboratory_too(
    own_maps: Path, event: str, *, is_held: bool
) -> None:
    make_a_laboratory_too(own_maps)
    sent = message(event, patient(), sender="C02")
    result = map_message(sent, stored=MemoryStore(), library=load_library(own_maps))
    assert ("v2-number-of-another-centre" in hold_reasons(result)) == is_held


@pytest.mark.parametrize("sender", ["C01", "C02"])
def test_number__typed_mr_counts_by_the_system_that_is_stored(sender: str) -> None:
    number = f"100001^^^IPP-{sender}&1.2.3.4&ISO^MR"
    result = map_message(message("ADT^A28^ADT_A05", written(number), sender=sender))
    assert hold_reasons(result) == ["v2-identity-missing"]


def with_kinds(own_maps: Path, authority: str, kind: str) -> Library:
    """The maps, whose register gives C01 an authority of a kind."""
    register = own_maps / "centres.csv"
    heading, *lines = register.read_text(encoding="utf-8").splitlines()
    own = "IPP-C01=https://osteon.example/sid/ipp/C01"
    rows = [f"{line.replace(own, f'{own} {authority}')}," for line in lines]
    rows[0] += kind
    register.write_text("\n".join([f"{heading},kinds", *rows, ""]), encoding="utf-8")
    return load_library(own_maps)


def test_number__under_an_oid_is_of_the_kind_that_the_register_tells(own_maps: Path) -> None:
    stays = with_kinds(own_maps, "SEJOUR=urn:oid:1.2.3.4", "SEJOUR=nda")
    assert hold_reasons(read_as("5^^^SEJOUR", "C01", stays)) == ["v2-identity-missing"]


def test_number__under_an_oid_without_a_kind_is_a_patients(own_maps: Path) -> None:
    library = with_authorities(own_maps, C01="HOSP=urn:oid:1.2.3.4")
    assert first_number(read_as("5^^^HOSP", "C01", library))["use"] == "usual"


@pytest.mark.parametrize("kind", ["SEJOUR=stay", "OTHER=nda"])
def test_register__refuses_kinds_that_are_none(own_maps: Path, kind: str) -> None:
    with pytest.raises(MapError, match="NAMESPACE=kind"):
        with_kinds(own_maps, "SEJOUR=urn:oid:1.2.3.4", kind)


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("INS=urn:oid:1.2.3", "INS=urn:oid:1.2.250.1.213.1.4.8"),
        ("ASIP-SANTE-INS-NIA=urn:oid:1.2.250.1.213.1.4.8", "INS-NIA=urn:oid:1.2.250.1.213.1.4.9,"),
        ("INS-C=https://osteon.example/sid/ipp/C01", "INS-C=urn:oid:1.2.250.1.213.1.4.2,"),
    ],
)
def test_register__gives_names_of_the_national_identity_its_systems_only(
    own_maps: Path, authority: str, expected: str
) -> None:
    with pytest.raises(MapError, match=re.escape(expected)):
        with_authorities(own_maps, C01=authority)


@pytest.mark.parametrize(
    "authority",
    [
        "INS=urn:oid:1.2.250.1.213.1.4.11",
        "INS-NIR=urn:oid:1.2.250.1.213.1.4.10",
        "INSTITUT=urn:x:1",
    ],
)
def test_register__takes_systems_of_the_national_identity(own_maps: Path, authority: str) -> None:
    with_authorities(own_maps, C01=authority)


@pytest.mark.parametrize(
    ("number", "sender", "authority", "is_resolved"),
    [
        ("1^^^EPIC^MR", "C01", "EPIC=https://osteon.example/sid/ipp/C01", True),
        ("1^^^EPIC", "P01", "EPIC=https://osteon.example/sid/ipp/C01", True),
        ("1^^^&1.2.3.4&ISO^MR", "C01", "EPIC=urn:oid:1.2.3.4", True),
        ("1^^^EPIC^MR", "C02", "EPIC=https://osteon.example/sid/ipp/C01", False),
        ("1^^^OTHER^MR", "C01", "EPIC=https://osteon.example/sid/ipp/C01", False),
        ("1", "C01", "EPIC=https://osteon.example/sid/ipp/C01", False),
        ("1^^^IPP-C01^PI", "C02", "EPIC=https://osteon.example/sid/ipp/C01", False),
    ],
)
def test_item__without_identity_is_resolved_by_the_authority_in_the_register(
    own_maps: Path, number: str, sender: str, authority: str, *, is_resolved: bool
) -> None:
    (held,) = read_as(number, sender, load_library(own_maps)).held
    library = with_authorities(own_maps, C01=authority)
    assert resolves(library, item_of(held, sender)) is is_resolved


@pytest.mark.parametrize("numbers", ["1^^^EPIC^MR||", "||1^^^EPIC^MR"], ids=["PID-2", "PID-4"])
def test_item__without_identity_is_not_resolved_by_a_number_that_never_counts(
    own_maps: Path, numbers: str
) -> None:
    sent = message("ADT^A28^ADT_A05", f"PID|1|{numbers}|DUBOIS-FICTIF^Camille||19900412|F")
    (held,) = map_message(sent, library=load_library(own_maps)).held
    library = with_authorities(own_maps, C01="EPIC=https://osteon.example/sid/ipp/C01")
    assert not resolves(library, item_of(held, "C01"))


def item_of(held: Issue, centre: str, kind: str = "ADT^A28") -> WorkItem:
    """The worklist item of a reason."""
    now = datetime.now(UTC)
    return WorkItem(centre, issue_to_json(held), 1, now, now, [kind])


@pytest.mark.parametrize(
    ("quirk", "is_resolved"),
    [
        ("PID-3: IPP-C01", True),
        ("PID-3: '&1.2.3.4&ISO'", False),
        ("PID-3: 'IPP-C01&1.2.3.4&ISO'", False),
        ("MRG-1: IPP-C01", False),
    ],
)
def test_item__without_authority_is_resolved_by_the_quirks(
    own_maps: Path, quirk: str, *, is_resolved: bool
) -> None:
    library = load_library(own_maps)
    (held,) = read_as("1", "C01", library).held
    folder = own_maps / "centres" / "C01"
    folder.mkdir(parents=True)
    (folder / "quirks.yaml").write_text(f"missing-authorities: {{{quirk}}}")
    assert not resolves(library, item_of(held, "C01"))
    by_now = load_library(own_maps)
    assert resolves(by_now, item_of(held, "C01")) is is_resolved
    again = by_now.register.read(message("ADT^A28^ADT_A05", written("1")).raw)
    assert (map_message(again, library=by_now).held == ()) is is_resolved


@pytest.mark.parametrize(
    "authority", ["IPP-C01=https://osteon.example/sid/ipp/C01", "IPP-C01=urn:oid:1.2.3.4"]
)
def test_item__of_another_centres_number_is_resolved_by_the_hospitals_line(
    own_maps: Path, authority: str
) -> None:
    (held,) = read_as(TYPED, "C02", load_library(own_maps)).held
    library = with_authorities(own_maps, C02=authority)
    assert resolves(library, item_of(held, "C02"))
    assert hold_reasons(read_as(TYPED, "C02", library)) == []


def test_item__of_another_centres_oid_is_not_resolved_by_a_namespace(own_maps: Path) -> None:
    with_authorities(own_maps, C01="IPP=urn:oid:1.2.3.4")
    library = with_authorities(own_maps, C02="IPP=urn:oid:1.2.3.5")
    (held,) = read_as("1^^^IPP&1.2.3.4&ISO^PI", "C02", library).held
    assert not resolves(library, item_of(held, "C02"))


@pytest.mark.parametrize(("event", "is_resolved"), [("SIU^S12", True), ("ADT^A28", False)])
def test_item__of_a_hospital_that_is_a_laboratory_too_is_resolved_by_any_line(
    own_maps: Path, event: str, *, is_resolved: bool
) -> None:
    make_a_laboratory_too(own_maps)
    sent = message(event, written("1^^^EPIC^MR"), sender="C02")
    held = map_message(sent, stored=MemoryStore(), library=load_library(own_maps)).held
    (reason,) = (one for one in held if one.id == "v2-identity-missing")
    library = with_authorities(own_maps, C01="EPIC=https://osteon.example/sid/ipp/C01")
    assert resolves(library, item_of(reason, "C02", event)) is is_resolved
