"""What a row of HL7's tables puts into the resource of another segment."""

import pytest

from ingest.mapping import map_message
from tests.ingest.mapping.conftest import only, resources
from tests.ingest.mapping.feed import message, patient, stay

SOURCE = "TUMOR&Tumeur&HL70487^EDTA&EDTA&HL70371^Fragment à frais^C40.2&Os longs du membre inférieur&ICDO3"
PATHOLOGY = (
    "|".join(
        [
            "OBR|1|DEM-9^DPI-C01|24P00009^ACP-P01|60568-3^Report^LN|||20240312||2^mL|77^PRELEVEUR^Anne||||",
            f"{SOURCE}{'|' * 7}20240318142500|||F",
        ]
    ),
    "OBX|1|CWE|31206-6^Histologie^LN||9180/3^Osteosarcome^ICDO3||||||F",
)


def test_specimen__of_obr_15_is_that_of_an_order_without_spm() -> None:
    result = map_message(message("ORU^R01^ORU_R01", patient(), *PATHOLOGY, sender="P01"))
    specimen = only(result, "Specimen")
    report = only(result, "DiagnosticReport")
    assert specimen["type"]["coding"][0]["code"] == "tissue"
    assert specimen["collection"]["bodySite"]["coding"][0]["code"] == "C40.2"
    assert specimen["collection"]["collectedDateTime"] == "2024-03-12"
    assert specimen["collection"]["collector"]["display"] == "Anne PRELEVEUR"
    assert specimen["note"] == [{"text": "Fragment à frais"}]
    assert len(report["specimen"]) == 1
    assert only(result, "Condition")["bodySite"][0]["coding"][0]["code"] == "C40.2"


def test_specimen__of_spm_comes_before_obr_15() -> None:
    spm = "SPM|1|^S1&LABO-P01||TUMOR^Tumeur^HL70487|||BIO^Biopsie^HL70488||||||||||20240312"
    result = map_message(message("ORU^R01^ORU_R01", patient(), *PATHOLOGY, spm, sender="P01"))
    specimen = only(result, "Specimen")
    assert specimen["identifier"][0]["value"] == "S1"
    assert specimen["collection"]["collector"]["display"] == "Anne PRELEVEUR"


def test_specimens__form_a_tree_of_part_block_and_slide() -> None:
    tree = [
        "SPM|1|^A&ACP-P01||TUMOR^Tumeur^HL70487|||||||||||||20240312",
        "SPM|2|^A1&ACP-P01|^A&ACP-P01|TUMOR^Bloc^HL70487|||||||||||||20240312",
        "SPM|3|^A1-1&ACP-P01|^A1&ACP-P01|TUMOR^Lame^HL70487|||||||||||||20240312",
    ]
    result = map_message(message("ORU^R01^ORU_R01", patient(), *PATHOLOGY, *tree, sender="P01"))
    entries = (result.bundle or {})["entry"]
    numbers = {
        e["fullUrl"]: e["resource"]["identifier"][0]["value"]
        for e in entries
        if e["resource"]["resourceType"] == "Specimen"
    }
    parents = {
        one["identifier"][0]["value"]: numbers[one["parent"][0]["reference"]]
        for one in resources(result, "Specimen")
        if "parent" in one
    }
    assert parents == {"A1": "A", "A1-1": "A1"}


def test_order__names_who_entered_verified_and_carried_it_out() -> None:
    order = f"ORC|NW|DEM-1^DPI-C01{'|' * 8}1^SAISIE^Ana|2^VERIF^Ben{'|' * 8}3^ACTION^Cléo"
    result = map_message(message("OML^O21^OML_O21", patient(), order, "OBR|1|||58410-2^CBC^LN"))
    agents = only(result, "Provenance")["agent"]
    told = {a["type"]["coding"][0]["code"]: a["who"].get("display") for a in agents}
    assert told["enterer"] == "Ana SAISIE"
    assert told["verifier"] == "Ben VERIF"
    assert told["performer"] == "Cléo ACTION"


def test_next_of_kin__an_organisation_has_a_person_to_ask() -> None:
    kin = f"NK1|1{'|' * 12}Tutelle fictive{'|' * 17}EXEMPLE^Paul|0100000000|1 rue Inventée^^Lyon"
    found = only(map_message(message("ADT^A28^ADT_A05", patient(), kin)), "Patient")["contact"][-1]
    assert found["name"]["family"] == "EXEMPLE"
    assert found["telecom"][0]["value"] == "0100000000"
    assert found["address"]["city"] == "Lyon"


def test_occupation__of_zfp_is_a_fact_of_social_history() -> None:
    result = map_message(message("ADT^Z99^ADT_A01", patient(), stay(), "ZFP|4|46"))
    found = only(result, "Observation")
    assert found["category"][0]["coding"][0]["code"] == "social-history"
    assert [one["code"] for one in found["valueCodeableConcept"]["coding"]] == ["46", "4"]
    fates = {fate.path: fate.kind for fate in result.fates if fate.path.startswith("ZFP")}
    assert set(fates.values()) == {"mapped"}


def test_psychiatric_mode__is_refused_and_said_so() -> None:
    result = map_message(message("ADT^A01^ADT_A01", patient(), stay(), "ZFS|1|SPSC^Soins libres"))
    fates = [fate for fate in result.fates if fate.path.startswith("ZFS")]
    assert {fate.kind for fate in fates} == {"rejected"}
    assert "Soins libres" not in str(result.resources)


@pytest.mark.parametrize(
    ("authority", "system"),
    [
        ("A&1.2.250.1.71&ISO", "urn:oid:1.2.250.1.71"),
        ("A&1.02.3&ISO", "https://osteon.example/sid/C01/A"),
        ("&HOSPITAL&ISO", "https://osteon.example/sid/C01/HOSPITAL"),
        ("A&not a uuid&UUID", "https://osteon.example/sid/C01/A"),
        ("A&no scheme&URI", "https://osteon.example/sid/C01/A"),
        ("A&https://hospital.example/ipp&URI", "https://hospital.example/ipp"),
    ],
)
def test_authority__is_a_uri_only_where_it_has_the_form_it_claims(
    authority: str, system: str
) -> None:
    found = only(
        map_message(message("ADT^A28^ADT_A05", f"PID|1||7^^^{authority}^PI||X-FICTIF||19900412|F")),
        "Patient",
    )
    assert found["identifier"][0]["system"] == system


@pytest.mark.parametrize(("sent", "code"), [("fre^Français^HL70296", "fr"), ("klingon", None)])
def test_language__is_one_of_bcp_47_or_not_taken_over(sent: str, code: str | None) -> None:
    person = f"{patient(city='Lyon')}{'|' * 4}{sent}"
    found = only(map_message(message("ADT^A28^ADT_A05", person)), "Patient")
    codings = [c for one in found.get("communication", ()) for c in one["language"]["coding"]]
    assert [one["code"] for one in codings[:1]] == ([code] if code else [])


@pytest.mark.parametrize(
    ("number", "assigner"),
    [
        (
            "7^^^^PI^HOPITAL&1.2.250.1.9&ISO",
            {
                "display": "HOPITAL",
                "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.250.1.9"},
            },
        ),
        (
            "7^^^HOPITAL&H-9&L^PI",
            {"display": "HOPITAL", "identifier": {"type": {"text": "L"}, "value": "H-9"}},
        ),
        ("7^^^HOPITAL&1.2.250.1.9&ISO^PI", {"display": "HOPITAL"}),
        ("7^^^IPP-C01^PI", None),
    ],
    ids=["facility with an OID", "authority by its own code", "authority by its OID", "namespace"],
)
def test_assigner__of_a_number_is_named_with_its_own_identifier(
    number: str, assigner: dict[str, object] | None
) -> None:
    found = only(
        map_message(
            message("ADT^A28^ADT_A05", f"PID|1|{number}|100001^^^IPP-C01^PI||||19900412|F")
        ),
        "Patient",
    )
    other = next(one for one in found["identifier"] if one["value"] == "7")
    assert other.get("assigner") == assigner


def test_account__of_the_stay_is_named_beside_its_number() -> None:
    sent = message("ADT^A01^ADT_A01", patient() + "|||||||D-77^^^NDA-C01^AN", stay())
    found = only(map_message(sent), "Encounter")
    (account,) = found["account"]
    assert account["type"] == "Account"
    assert (account["identifier"]["system"], account["identifier"]["value"]) == (
        "https://osteon.example/sid/nda/C01",
        "D-77",
    )
    assert [one["value"] for one in found["identifier"]] == ["240000001"]
