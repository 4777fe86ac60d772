"""A number that is used again for another patient puts nothing into the wrong record."""

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import map_message
from tests.ingest.mapping.conftest import read_message
from tests.ingest.mapping.feed import message, patient
from tests.ingest.mapping.test_reconcile import load

REPORT = read_message("oru_r01_narrative")
OF_ANOTHER = read_message(
    "oru_r01_narrative", ("ORU-0001", "ORU-0009"), ("100001^^^IPP-C01", "100099^^^IPP-C01")
)
SHEET = "TXA|1|34794-8^RCP^LN|AP|20240310||20240310100000||||||D1^DPI-C01|||||AU||AV"
CONTENT = "OBX|1|TX|RCP^Fiche^L||Texte||||||F"


def document(number: str, time: str) -> Message:
    return message("MDM^T02^MDM_T02", patient(number), "PV1|1|N", SHEET, CONTENT, time=time)


def test_report__of_a_number_that_another_patient_has_is_held() -> None:
    store = load([REPORT])
    held = map_message(OF_ANOTHER, stored=store).held
    assert {issue.id for issue in held} == {"v2-subject-conflict"}
    assert len(held) == len({issue.expression for issue in held})


@pytest.mark.parametrize("known", [False, True], ids=["new patient", "known patient"])
def test_document__of_a_number_that_another_patient_has_is_held(*, known: bool) -> None:
    store = load([document("100001", "20240310101500")])
    if known:
        identity = message("ADT^A28^ADT_A05", patient("100002"))
        store.apply(map_message(identity, stored=store).bundle)
    result = map_message(document("100002", "20240311101500"), stored=store)
    assert [issue.id for issue in result.held] == ["v2-subject-conflict"]


def test_report__is_replayed_once_the_records_are_merged() -> None:
    merge = message(
        "ADT^A40^ADT_A39", patient("100001"), "MRG|100099^^^IPP-C01^PI", time="20240601080000"
    )
    assert not map_message(OF_ANOTHER, stored=load([REPORT, merge])).held
