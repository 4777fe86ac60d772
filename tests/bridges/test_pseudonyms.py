"""A partner sees nobody's number, name or day of birth, and can put together what belongs together."""

import json
import re
from copy import deepcopy

import pytest

from fhir_server.bridges import Pseudonyms, Records, bridge_names, cross, read_bridge
from fhir_server.bridges.definition import LOST_BY_ALL
from fhir_server.bridges.pseudonyms import pseudonymised
from tests.profiles.network import ROOT, Resource, example, example_paths

KEY = bytes(range(32))
CURIE = Pseudonyms("curie", KEY)
INS = {
    "type": {"coding": [{"system": "urn:ins", "code": "INS-NIR-DEMO"}]},
    "system": "urn:oid:1.2.250.1.213.1.4.11",
    "value": "224019900000000",
}
STAY = {"system": "https://hopital.example/venue", "value": "V-700123"}


@pytest.fixture(scope="module")
def named() -> Records:
    """The journeys, with all that a hospital knows of a patient."""
    bundles = [deepcopy(example(path)) for path in example_paths("journeys")]
    for bundle in bundles:
        for entry in bundle["entry"]:
            resource = entry["resource"]
            resource["text"] = {"status": "generated", "div": "<div>Zoé Martin</div>"}
            if "subject" in resource:
                resource["subject"]["display"] = "Zoé Martin"
            if resource["resourceType"] == "Patient":
                resource["identifier"].append(INS)
                resource["name"] = [{"family": "Martin", "given": ["Zoé"]}]
                resource["address"] = [{"city": "Nantes", "line": ["3 rue Haute"]}]
                resource["birthDate"] = f"{resource['birthDate'][:4]}-04-17"
            if resource["resourceType"] == "Specimen":
                resource["note"] = [{"text": "Pour Zoé Martin"}]
            if resource["resourceType"] == "Condition":
                resource["code"]["text"] = "Tumeur de Zoé Martin"
                resource.pop("onsetDateTime", None)
                resource["onsetString"] = "selon Zoé Martin, au printemps"
            if resource["resourceType"] == "Procedure":
                resource["performer"] = [{"actor": {"display": "Dr Zoé Martin"}}]
                resource.setdefault("extension", []).extend(_of_a_hospital())
    return Records.of_bundles(bundles)


def _of_a_hospital() -> list[Resource]:
    """Extensions that no profile of the network names."""
    url = "https://hopital.example/extension"
    return [
        {"url": url, "valueString": "Zoé Martin, revue en consultation"},
        {"url": url, "valueIdentifier": STAY},
        {"url": url, "valueReference": {"identifier": STAY, "display": "Zoé Martin"}},
    ]


def numbers() -> set[str]:
    """Every number and address in the journeys but those of centres."""
    found = set()
    for path in example_paths("journeys"):
        for entry in example(path)["entry"]:
            if entry["resource"]["resourceType"] != "Organization":
                found |= {each["value"] for each in entry["resource"]["identifier"]}
                found.add(entry["fullUrl"])
    return found


@pytest.mark.parametrize("name", bridge_names())
def test_bridge__takes_no_number_name_or_day_of_birth_across(name: str, named: Records) -> None:
    files = cross(read_bridge(name), named, CURIE).files
    told = b"\n".join(files.values()).decode()
    words = set(re.findall(r"[\w:.|/-]+", told))
    assert words.isdisjoint({*numbers(), INS["value"], INS["system"], STAY["value"]})
    assert not re.search("Martin|Zoé|rue Haute|Nantes", told)
    assert "-04-17" not in told


def test_pseudonyms__stay_the_same_for_a_partner_and_differ_between_partners() -> None:
    number = ("https://osteon.example/sid/ipp/centre-01", "0100042")
    assert CURIE.of(*number) == Pseudonyms("curie", KEY).of(*number)
    others = {Pseudonyms("padova", KEY).of(*number), Pseudonyms("curie", KEY[::-1]).of(*number)}
    assert len({CURIE.of(*number), *others}) == 3


def test_pseudonyms__keep_parts_apart() -> None:
    assert CURIE.of("a", "bc") != CURIE.of("ab", "c")


def test_patient__keeps_a_pseudonym_when_a_national_identity_comes_later() -> None:
    patient = deepcopy(example(ROOT / "examples" / "valid" / "patient-adolescent.json"))
    del patient["id"]
    later = {**patient, "identifier": [INS, *patient["identifier"]]}
    assert number_of(patient) == number_of(later)


def number_of(patient: Resource) -> str:
    ((_, found),) = pseudonymised(Records([("urn:uuid:1", patient)]), CURIE).addressed()
    (identifier,) = found["identifier"]
    return str(identifier["value"])


def test_references__still_lead_to_what_they_named(named: Records) -> None:
    hidden = pseudonymised(named, CURIE)
    tumours = hidden.of_profile("primary-bone-tumour")
    assert len(tumours) == 7
    assert all(hidden.resolve(each["subject"]["reference"]) for each in tumours)


def test_reference__that_asks_by_a_number_is_hidden() -> None:
    asking = {"resourceType": "Condition", "subject": {"reference": "Patient?identifier=a|0100042"}}
    ((_, found),) = pseudonymised(Records([("urn:uuid:1", asking)]), CURIE).addressed()
    assert "0100042" not in str(found)


@pytest.mark.parametrize("name", bridge_names())
def test_manifest__says_what_stays_behind_and_for_whom(name: str, named: Records) -> None:
    manifest = json.loads(cross(read_bridge(name), named, CURIE).files["manifest.json"])
    assert manifest["partner"] == "curie"
    assert {each.what for each in LOST_BY_ALL} <= set(manifest["lost always"])
    assert KEY.hex() not in str(manifest)
    assert str(KEY) not in repr(CURIE)
