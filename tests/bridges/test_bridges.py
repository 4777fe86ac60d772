"""The six journeys over each bridge: what arrives, and that all that is lost is declared."""

import csv
import io
import json
from collections import Counter
from fnmatch import fnmatch

import pytest

from fhir_server.bridges import Crossing, Pseudonyms, Records, bridge_names, cross, read_bridge
from fhir_server.bridges.page import page
from fhir_server.bridges.tables import middle_of_month, years_between
from fhir_server.bridges.translation import translated
from tests.profiles.network import BASE, ROOT, Resource, example, example_paths, of_type

BRIDGES = ["eu-rd-cds-16", "idea4rc", "mcode", "miabis", "osiris"]
NAMES = Pseudonyms("curie", bytes(range(32)))
MCODE = "http://hl7.org/fhir/us/mcode/StructureDefinition"


@pytest.fixture(scope="module")
def records() -> Records:
    return Records.of_bundles(example(path) for path in example_paths("journeys"))


@pytest.fixture(scope="module")
def crossings(records: Records) -> dict[str, Crossing]:
    return {name: cross(read_bridge(name), records, NAMES) for name in BRIDGES}


def rows(crossing: Crossing, table: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(crossing.files[f"{table}.csv"].decode())))


def made(crossing: Crossing, name: str, profile: str) -> list[Resource]:
    entries = json.loads(crossing.files[f"{name}.json"])["entry"]
    return [
        each["resource"]
        for each in entries
        if each["resource"]["meta"]["profile"][0].endswith(profile)
    ]


def profile_names() -> set[str]:
    return {each["id"] for each in of_type("StructureDefinition")}


def test_bridges__are_the_five_of_the_guide() -> None:
    assert bridge_names() == BRIDGES


@pytest.mark.parametrize("name", BRIDGES)
def test_bridge__declares_all_that_it_loses(name: str, crossings: dict[str, Crossing]) -> None:
    """Of the journeys and of every valid example: told by name, or a profile of which nothing crosses, which
    `page` lists by itself.
    """
    bridge = read_bridge(name)
    examples = cross(bridge, Records.of_bundles(map(example, example_paths("valid"))), NAMES)
    declared = [loss.what for loss in bridge.lost]
    measured = {lost.partition("=")[0] for lost in (*crossings[name].lost, *examples.lost)}
    assert [
        lost
        for lost in measured
        if not any(fnmatch(lost, pattern) for pattern in declared)
        and lost not in profile_names() - bridge.crossing
    ] == []


@pytest.mark.parametrize("name", BRIDGES)
def test_bridge__gives_reasons_in_both_languages(name: str) -> None:
    bridge = read_bridge(name)
    assert set(bridge.title) == {"en", "fr"}
    assert all(set(loss.why) == {"en", "fr"} for loss in bridge.lost)


@pytest.mark.parametrize("name", BRIDGES)
def test_bridge__names_profiles_and_maps_that_exist(name: str) -> None:
    bridge = read_bridge(name)
    profiles = {each["id"] for each in of_type("StructureDefinition")}
    maps = {each["id"] for each in of_type("ConceptMap")}
    assert bridge.crossing <= profiles
    used = {column.map for table in bridge.tables for column in table.columns if column.map}
    used |= {each for rule in bridge.resources for each in rule.maps}
    assert used <= maps


@pytest.mark.parametrize("name", BRIDGES)
def test_bridge__counts_and_hashes_its_files(name: str, crossings: dict[str, Crossing]) -> None:
    files = crossings[name].files
    manifest = json.loads(files["manifest.json"])
    assert set(manifest["files"]) == set(files) - {"manifest.json"}
    assert manifest["lost always"]


def test_eu_rd__has_the_sixteen_elements_of_each_patient(crossings: dict[str, Crossing]) -> None:
    found = rows(crossings["eu-rd-cds-16"], "common-data-set")
    assert [name.partition(" ")[0] for name in found[0]] == [str(n) for n in range(1, 17)]
    ages = {each["2 date of birth"]: each["8 age at diagnosis"] for each in found}
    assert len(found) == 6
    assert ages["2009-04"] == "14"
    assert {each["4 patient status"] for each in found} == {"438949009", "419099009"}


def test_osiris__keeps_two_tumours_of_a_patient_apart(crossings: dict[str, Crossing]) -> None:
    found = rows(crossings["osiris"], "TumorPathologyEvent")
    patients = Counter(each["Patient_Id"] for each in found)
    assert sorted(patients.values()) == [1, 1, 1, 1, 1, 2]
    assert len({each["TumorPathologyEvent_Id"] for each in found}) == 7
    assert {each["Type"] for each in found} == {"C0677930"}


def test_osiris__dates_last_news_in_the_middle_of_the_month(
    crossings: dict[str, Crossing],
) -> None:
    assert all(each["LastNewsDate"][-3:] == "-15" for each in rows(crossings["osiris"], "Patient"))


def test_osiris__ties_a_fusion_to_its_sample(crossings: dict[str, Crossing]) -> None:
    (fusion,) = rows(crossings["osiris"], "Fusion")
    samples = rows(crossings["osiris"], "BiologicalSample")
    (sample,) = [
        each for each in samples if each["ExternalAccession"] == fusion["BiologicalSample"]
    ]
    assert sample["TumorPathologyEvent_Id"] == fusion["TumorPathologyEvent_Id"]
    assert fusion["Fusion"] == "EWSR1::FLI1"


def test_idea4rc__says_regimen_margins_and_response(crossings: dict[str, Crossing]) -> None:
    crossing = crossings["idea4rc"]
    systemic = [each["regimen"] for each in rows(crossing, "SystemicTreatment")]
    assert systemic == ["vdc-ie", "denosumab", "map", "map"]
    assert [each["response"] for each in rows(crossing, "Response")] == ["CR", "PR"]
    assert {each["margins"] for each in rows(crossing, "Surgery")} == {"R0", "R1", ""}


def test_mcode__carries_morphology_and_laterality_as_its_own(
    crossings: dict[str, Crossing],
) -> None:
    tumours = made(crossings["mcode"], "mcode", "mcode-primary-cancer-condition")
    (tumour,) = [each for each in tumours if "9180/3" in str(each) and "C40.2" in str(each["code"])]
    urls = [each["url"] for each in tumour["extension"]]
    assert urls[0] == f"{MCODE}/mcode-histology-morphology-behavior"
    (side,) = tumour["bodySite"][0]["extension"]
    assert side["url"] == f"{MCODE}/mcode-laterality-qualifier"
    assert side["valueCodeableConcept"]["coding"] == [
        {"system": "http://snomed.info/sct", "code": "7771000"}
    ]


@pytest.mark.parametrize("name", ["mcode", "miabis"])
def test_rewritten__hold_nothing_of_ours_but_numbers(
    name: str, crossings: dict[str, Crossing]
) -> None:
    text = crossings[name].files[f"{name}.json"].decode()
    assert f"{BASE}/StructureDefinition" not in text


def test_miabis__puts_the_storage_temperature_where_it_belongs(
    crossings: dict[str, Crossing],
) -> None:
    samples = made(crossings["miabis"], "miabis", "miabis-sample")
    number = NAMES.of("https://osteon.example/sid/specimen/centre-02", "B24-101-F")
    (frozen,) = [each for each in samples if each["identifier"][0]["value"] == number]
    (step,) = frozen["processing"]
    assert step["extension"][0]["valueCodeableConcept"]["coding"] == [
        {
            "system": "https://fhir.bbmri-eric.eu/CodeSystem/miabis-storage-temperature-cs",
            "code": "-60to-85",
        }
    ]
    assert frozen["type"]["coding"][0]["code"] == "TissueFreshFrozen"


def test_consented__keeps_patients_who_permit_the_use_only(records: Records) -> None:
    sharing = records.consented("partner-sharing")
    permitting = {
        each["patient"]["reference"]
        for each in sharing.of_profile("bone-sarcoma-consent")
        if each["category"][0]["coding"][0]["code"] == "partner-sharing"
    }
    patients = {sharing.address(each) for each in sharing.of_profile("bone-sarcoma-patient")}
    assert patients == permitting
    assert 0 < len(patients) < 6
    assert len(sharing.of_profile("primary-bone-tumour")) < 7


def consent(use: str, decision: str, date: str) -> Resource:
    coding = {"system": f"{BASE}/CodeSystem/consent-use", "code": use}
    return {
        "resourceType": "Consent",
        "id": f"{use}-{date}",
        "status": "active",
        "category": [{"coding": [coding]}],
        "patient": {"reference": "Patient/a"},
        "dateTime": date,
        "provision": {"type": decision},
    }


@pytest.mark.parametrize(
    ("decisions", "kept"),
    [
        ([("research", "permit", "2024")], 1),
        ([("research", "permit", "2024"), ("research", "deny", "2025")], 0),
        ([("research", "deny", "2024"), ("research", "permit", "2025")], 1),
        ([("research", "permit", "2024"), ("opposition", "deny", "2023")], 0),
        ([("reuse", "permit", "2024")], 0),
        ([], 0),
    ],
)
def test_consented__goes_by_the_last_decision_and_any_opposition(
    decisions: list[tuple[str, str, str]], kept: int
) -> None:
    profile = f"{BASE}/StructureDefinition/bone-sarcoma-patient"
    patient = {"resourceType": "Patient", "id": "a", "meta": {"profile": [profile]}}
    records = Records.of_bundles([patient, *(consent(*each) for each in decisions)])
    assert len(records.consented("research").of_profile("bone-sarcoma-patient")) == kept


@pytest.mark.parametrize(
    ("provision", "partner", "kept"),
    [
        ({"actor": [{"reference": {"reference": "Organization/padova"}}]}, "padova", 1),
        ({"actor": [{"reference": {"reference": "Organization/padova"}}]}, "curie", 0),
        ({"actor": [{"reference": {"reference": "Organization/padova"}}]}, None, 1),
        ({}, "curie", 1),
        ({"period": {"start": "2020-01-01", "end": "2021"}}, "curie", 0),
        ({"period": {"start": "2020-01-01", "end": "2999"}}, "curie", 1),
        ({"period": {"start": "2999"}}, "curie", 0),
    ],
)
def test_consented__goes_by_the_partner_named_and_the_period(
    provision: Resource, partner: str | None, kept: int
) -> None:
    profile = f"{BASE}/StructureDefinition/bone-sarcoma-patient"
    patient = {"resourceType": "Patient", "id": "a", "meta": {"profile": [profile]}}
    given = consent("partner-sharing", "permit", "2020-01-01")
    given["provision"] |= provision
    records = Records.of_bundles([patient, given])
    kept_here = records.consented("partner-sharing", partner)
    assert len(kept_here.of_profile("bone-sarcoma-patient")) == kept


@pytest.mark.parametrize(("partner", "kept"), [("padova", 1), ("IT-12", 1), ("curie", 0)])
def test_consented__knows_a_partner_that_a_bundle_brings_along(partner: str, kept: int) -> None:
    """In a transaction the actor is a `urn:uuid`; the Organization behind it has an id and identifiers."""
    address = "urn:uuid:6f2d0a51-2d1b-4c33-9d0e-4f1b6f1f0a01"
    identifiers = [{"value": "padova"}, {"value": "IT-12"}]
    organization = {"resourceType": "Organization", "identifier": identifiers}
    profile = f"{BASE}/StructureDefinition/bone-sarcoma-patient"
    patient = {"resourceType": "Patient", "id": "a", "meta": {"profile": [profile]}}
    given = consent("partner-sharing", "permit", "2020-01-01")
    given["provision"]["actor"] = [{"reference": {"reference": address}}]
    bundle = {"resourceType": "Bundle", "entry": [{"fullUrl": address, "resource": organization}]}
    records = Records.of_bundles([bundle, patient, given])
    kept_here = records.consented("partner-sharing", partner)
    assert len(kept_here.of_profile("bone-sarcoma-patient")) == kept


@pytest.mark.parametrize(
    ("dates", "years"),
    [
        (["2009-04", "2024-03-12"], "14"),
        (["2009-03-12", "2024-03-12"], "15"),
        (["2009-03-13", "2024-03-12"], "14"),
        (["1991", "2022-10-05"], "31"),
        (["2024-01-01", "2024-01-01"], "0"),
        (["2024-01-01"], ""),
    ],
)
def test_years_between__takes_dates_as_far_as_they_are_known(dates: list[str], years: str) -> None:
    assert years_between(dates) == years


def test_middle_of_month__needs_a_month() -> None:
    assert (middle_of_month(["2024-05-20"]), middle_of_month(["2024"])) == ("2024-05-15", "")


def test_translated__leaves_out_what_no_map_knows() -> None:
    coding = {"system": f"{BASE}/CodeSystem/specimen-type", "code": "dna"}
    assert translated(coding, ["specimen-type-to-v2-0487"]) is None


def test_page__is_current() -> None:
    written = (ROOT.parent / "docs" / "bridges.md").read_text(encoding="utf-8")
    assert written == page()
