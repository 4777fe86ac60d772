"""ADT of PAM.fr → Patient and Encounter."""

import pytest

from ingest.mapping import MappingResult, map_message
from tests.ingest.mapping.conftest import only, read_message, resources
from tests.ingest.mapping.feed import message, patient

INS = "199010100000101^^^ASIP-SANTE-INS-NIR-DEMO&1.2.250.1.213.1.4.11&ISO^INS^^20200101"
INS_DEMO = "urn:oid:1.2.250.1.213.1.4.11"


def test_map_message__gives_patient_encounter_and_provenance(adt: MappingResult) -> None:
    assert adt.bundle is not None
    types = [entry["resource"]["resourceType"] for entry in adt.bundle["entry"]]
    assert types == ["Patient", "Encounter", "Encounter", "Provenance"]


def test_map_message__updates_the_patient_by_a_qualified_ins(adt: MappingResult) -> None:
    assert adt.bundle is not None
    request = adt.bundle["entry"][0]["request"]
    assert request == {"method": "PUT", "url": f"Patient?identifier={INS_DEMO}|199010100000101"}


def test_map_message__names_every_resource_in_the_provenance(adt: MappingResult) -> None:
    assert adt.bundle is not None
    urls = [entry["fullUrl"] for entry in adt.bundle["entry"][:-1]]
    assert [target["reference"] for target in only(adt, "Provenance")["target"]] == urls


def test_provenance__names_the_message_and_carries_none_of_it(adt: MappingResult) -> None:
    entity = only(adt, "Provenance")["entity"][0]
    assert entity["what"]["identifier"]["value"] == "DPI-C01|CENTRE-C01|ADT-0001"
    assert "DUBOIS" not in str(only(adt, "Provenance"))


def test_ins__is_left_out_and_reported_on_a_provisional_identity() -> None:
    result = map_message(read_message("adt_a01_pam_fr", ("||VALI", "||PROV")))
    systems = [one["system"] for one in only(result, "Patient")["identifier"]]
    assert systems == ["https://osteon.example/sid/ipp/C01"]
    assert [issue.id for issue in result.issues] == ["v2-ins-provisional"]


@pytest.mark.parametrize(
    ("reliability", "insi", "status"),
    [
        ("VALI", "INSI", "QUAL"),
        ("", "INSI", "RECUP"),
        ("VALI", "SM", "VALI"),
        ("", "SM", "PROV"),
        ("PROV~FICT", "INSI", "PROV"),
    ],
)
def test_identity_status__follows_retrieval_and_document_check(
    reliability: str, insi: str, status: str
) -> None:
    message = read_message(
        "adt_a01_pam_fr",
        ("~" + INS, ""),
        ("||VALI", f"||{reliability}"),
        ("INSI|20240301", f"{insi}|"),
    )
    tags = only(map_message(message), "Patient")["meta"]["tag"]
    assert [tag["code"] for tag in tags] == [status]


@pytest.mark.parametrize("birth", ["1990", "199004", "19900412"])
def test_birth_date__keeps_its_precision(birth: str) -> None:
    result = map_message(read_message("adt_a01_pam_fr", ("19900412", birth)))
    assert only(result, "Patient")["birthDate"].replace("-", "") == birth


def test_patient__without_birth_date_is_held_with_the_field() -> None:
    result = map_message(read_message("adt_a01_pam_fr", ("19900412", "")))
    assert result.bundle is None
    (issue,) = result.held
    assert (issue.id, issue.expression) == ("v2-required-missing", "Patient.birthDate")


def test_patient__is_never_identified_by_a_name() -> None:
    message = read_message("adt_a01_pam_fr", ("100001^^^IPP-C01^PI~" + INS, ""))
    assert "v2-identity-missing" in [issue.id for issue in map_message(message).held]


def test_encounter__is_not_made_without_a_visit() -> None:
    result = map_message(read_message("adt_a01_pam_fr", ("PV1|1|I|", "PV1|1|N|")))
    assert resources(result, "Encounter") == []


def test_encounter__has_the_time_of_the_centre() -> None:
    message = read_message(
        "adt_a01_pam_fr",
        ("DPI-C01|CENTRE-C01|OSTEON", "DPI-C13|CENTRE-C13|OSTEON"),
        ("IPP-C01", "IPP-C13"),
    )
    stay, _movement = resources(map_message(message), "Encounter")
    assert stay["period"] == {"start": "2024-03-10T10:00:00+04:00"}


def test_sender__unknown_is_held() -> None:
    result = map_message(read_message("adt_a01_pam_fr", ("|CENTRE-C01|OSTEON", "|NOWHERE|OSTEON")))
    assert [issue.id for issue in result.held] == ["v2-sender-unknown"]


def test_message_type__without_map_is_held() -> None:
    result = map_message(read_message("adt_a01_pam_fr", ("ADT^A01^ADT_A01", "ADT^A60^ADT_A60")))
    assert [issue.id for issue in result.held] == ["v2-message-unmapped"]


def test_gender__of_an_unknown_code_is_held_with_table_code_and_centre() -> None:
    result = map_message(read_message("adt_a01_pam_fr", ("19900412|F|", "19900412|X|")))
    unmapped = next(issue for issue in result.held if issue.id == "v2-code-unmapped")
    assert dict(unmapped.parameters) == {"table": "0001", "local_code": "X", "centre": "C01"}


@pytest.mark.parametrize("event", ["A24", "A37"])
def test_link__of_two_records_is_held_for_a_person_and_says_so(event: str) -> None:
    pair = (patient("100001"), patient("100002"))
    result = map_message(message(f"ADT^{event}^ADT_{event}", *pair))
    assert result.bundle is None
    assert [issue.id for issue in result.held] == ["v2-link-not-followed"]
    assert "A40" in (result.held[0].hint("fr") or "")


def test_message__that_tells_nothing_is_held() -> None:
    result = map_message(message("ADT^A28^ADT_A05"))
    assert [issue.id for issue in result.held] == ["v2-nothing-told"]
