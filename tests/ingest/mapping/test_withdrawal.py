"""Reports that are taken back by a message which says little else: the right final state in any order."""

from itertools import permutations

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import map_message
from tests.ingest.mapping.conformity import faults
from tests.ingest.mapping.feed import message, patient
from tests.ingest.mapping.memory_store import MemoryStore
from tests.ingest.mapping.test_reconcile import CORRECTED, FINAL, load, state

NUMBER = "24P00001^ACP-P01"
LATER = "20240321120000"


def report(
    *more: str, number: str = NUMBER, status: str = "X", control: str = "RE", time: str = LATER
) -> list[str]:
    """The segments of a report."""
    issued = f"|||20240312{'|' * 15}{time}|||{status}"
    return [f"ORC|{control}||{number}", f"OBR|1||{number}|11529-5^CR ACP^LN{issued}", *more]


def sent(*segments: str, time: str = LATER) -> Message:
    """A message of the laboratory."""
    return message("ORU^R01^ORU_R01", patient(), *segments, sender="P01", time=time)


def taken_back(*more: str, status: str = "X", control: str = "RE", time: str = LATER) -> Message:
    """A cancellation as laboratories send it: the number and the status, and perhaps a remark."""
    return sent(*report(*more, status=status, control=control, time=time), time=time)


REMARK = "OBX|1|TX|22638-1^Remarque^LN||Compte rendu annulé, erreur de prélèvement.||||||X"
RESULT = "OBX|1|NM|33728-7^Grand axe^LN||85|mm^mm^UCUM|||||X"
SITE = "OBX|1|CWE|topography^Siège^99OSTEON||C40.2^Os longs^ICDO3||||||X"
SPECIMEN = "SPM|1|^24P00001-A&PREL-P01||BON^Os^HL70487"


@pytest.mark.parametrize(
    "more",
    [(), (REMARK,), (RESULT,), (SITE,), (SPECIMEN,), (RESULT, SPECIMEN)],
    ids=["nothing", "a remark", "a result", "a site", "a specimen", "a result and a specimen"],
)
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_report__taken_back_alone_is_cancelled_in_any_order(
    order: tuple[int, ...], more: tuple[str, ...]
) -> None:
    messages = [FINAL, CORRECTED, taken_back(*more)]
    store = load([messages[i] for i in order])
    (report,) = store.of_type("DiagnosticReport")
    assert report["status"] == "cancelled"
    assert report["meta"]["profile"], "what was told of it before, or comes late, stands"
    assert len(store.of_type("Condition")) == 1
    assert state(store) == state(load(messages))


@pytest.mark.parametrize("control", ["CA", "CR", "OC"])
def test_order__taken_back_takes_its_report_back(control: str) -> None:
    (report,) = load([FINAL, taken_back(status="F", control=control)]).of_type("DiagnosticReport")
    assert report["status"] == "cancelled"


@pytest.mark.parametrize("more", [(), (REMARK,), (RESULT, SPECIMEN)])
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_report__taken_back_alone_conforms(more: tuple[str, ...], *, first: bool) -> None:
    messages = [taken_back(*more), FINAL] if first else [FINAL, taken_back(*more)]
    assert faults([*load([messages[0]]).resources.values()]) == []
    assert faults([*load(messages).resources.values()]) == []


def test_report__taken_back_keeps_what_it_tells_of_the_tumour() -> None:
    result = map_message(taken_back(SITE), stored=MemoryStore())
    kept = [fate.path for fate in result.fates if fate.kind == "kept"]
    assert "OBX[1]-5[1].1" in kept
    assert "C40.2" in str(result.resources[-1]["extension"])


def test_report__that_says_something_still_needs_its_tumour() -> None:
    result = map_message(taken_back(RESULT, SPECIMEN, status="F"), stored=MemoryStore())
    assert {issue.id for issue in result.held} == {"v2-required-missing"}


FINDINGS = [
    "OBX|1|CWE|31206-6^Histologie^LN||9180/3^Ostéosarcome^ICDO3||||||F",
    "OBX|2|CWE|topography^Siège^99OSTEON||C40.2^Os longs^ICDO3||||||F",
    "OBX|3|DT|diagnosis-date^Date^99OSTEON||20240310||||||F",
]
TUMOUR = "OBX|4|EI|tumour-identifier^Tumeur^99OSTEON||T-1^TUM-P01||||||F"
ANOTHER = "24P00002^ACP-P01"


@pytest.mark.parametrize("more", [(), (SPECIMEN,), ("SPM|1|^24P00001-A&PREL-P01",)])
def test_report__taken_back_with_its_tumour_needs_no_specimen(more: tuple[str, ...]) -> None:
    store = load([taken_back(*FINDINGS, *more)])
    assert faults([*store.resources.values()]) == []
    (found,) = store.of_type("DiagnosticReport")
    assert (found["status"], len(store.of_type("Condition"))) == ("cancelled", 1)


def test_reports__of_one_tumour_are_taken_back_together() -> None:
    both = sent(*report(TUMOUR), *report(TUMOUR, number=ANOTHER))
    store = load([both])
    assert {one["status"] for one in store.of_type("DiagnosticReport")} == {"cancelled"}
    kept = [fate.path for fate in map_message(both).fates if fate.kind == "kept"]
    assert {"OBX[1]-5[1].1", "OBX[2]-5[1].1"} <= set(kept)


def test_report__that_stands_beside_one_taken_back_still_needs_its_tumour() -> None:
    standing = report(TUMOUR, SPECIMEN, number=ANOTHER, status="F")
    held = map_message(sent(*report(TUMOUR), *standing), stored=MemoryStore()).held
    assert {issue.id for issue in held} == {"v2-required-missing"}
    assert {str(issue.expression) for issue in held} >= {"Condition.bodySite"}


WITHDRAWN = report(TUMOUR, SPECIMEN)
STANDING = report(*FINDINGS, TUMOUR, SPECIMEN, number=ANOTHER, status="F")


@pytest.mark.parametrize("parts", [[*WITHDRAWN, *STANDING], [*STANDING, *WITHDRAWN]])
def test_report__that_stands_beside_one_taken_back_is_whole(parts: list[str]) -> None:
    store = load([sent(*parts)])
    assert faults([*store.resources.values()]) == []
    (specimen,) = store.of_type("Specimen")
    assert specimen["meta"]["profile"], "it is the specimen of both"


@pytest.mark.parametrize("parts", [[*WITHDRAWN, *STANDING], [*STANDING, *WITHDRAWN]])
@pytest.mark.parametrize("is_last", [True, False])
def test_tumour__is_told_by_the_report_that_stands_beside_one_taken_back(
    parts: list[str], *, is_last: bool
) -> None:
    early, time = FINDINGS[0].replace("9180/3", "9220/3"), "20240310120000"
    before = report(
        early, *FINDINGS[1:], TUMOUR, SPECIMEN, number="24P00003^ACP-P01", status="F", time=time
    )
    messages = [sent(*before, time=time), sent(*parts)]
    (tumour,) = load(messages if is_last else messages[::-1]).of_type("Condition")
    assert "9180/3" in str(tumour["extension"])


def document(event: str, day: int, *content: str, number: str = "DOC2", more: str = "") -> Message:
    """A message about a document; the volet of documents deletes by T04."""
    replaced = "DOC1^DPI-C01" if event == "T10" else ""
    txa = f"TXA|1|34794-8^FRCP^LN{'|' * 10}{number}^DPI-C01|{replaced}||||AU||{more}"
    told = message(f"MDM^{event}^MDM_T02", patient(), txa, *content, time=f"202404{day:02d}080000")
    volet = bytes(told.raw).replace(b"|UNICODE UTF-8", b"|UNICODE UTF-8|||2.1^CISIS_CDA_HL7_V2")
    return Message.parse(volet)


SHEET = "OBX|1|TX|34794-8^FRCP^LN||Avis de la réunion.||||||F"
DELETIONS = {
    "T04 of the volet": document("T04", 7),
    "T11": document("T11", 7),
    "TXA-19 CA": document("T02", 7, more="CA"),
}


@pytest.mark.parametrize("deletion", DELETIONS.values(), ids=list(DELETIONS))
@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_document__deleted_without_its_content_stays_so_in_any_order(
    order: tuple[int, ...], deletion: Message
) -> None:
    messages = [document("T02", 5, SHEET, number="DOC1"), document("T10", 6, SHEET), deletion]
    store = load([messages[i] for i in order])
    found = store.of_type("DocumentReference")
    assert {one["masterIdentifier"]["value"]: one["status"] for one in found} == {
        "DOC1": "superseded", "DOC2": "entered-in-error",
    }  # fmt: skip
    assert all("contentType" in one["content"][0]["attachment"] for one in found)
