"""The rules of `validation/rules/bundles.py`: what keeps them, and what breaks them.

Source: FHIR R4 §2.36.4, https://hl7.org/fhir/R4/bundle.html, and §3.3 documents,
https://hl7.org/fhir/R4/documents.html#content
"""

from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import bundle, observation, patient, urn


def document(*resources: dict[str, Any], **members: Any) -> dict[str, Any]:
    composition = {
        "resourceType": "Composition", "status": "final", "type": {"text": "Report"}, "date": "2026",
        "author": [{"reference": urn(1)}], "title": "Report", **members,
    }  # fmt: skip
    return bundle(
        "document", composition, *resources, timestamp="2026-01-01T00:00:00Z",
        identifier={"system": "urn:ietf:rfc:3986", "value": urn(99)},
    )  # fmt: skip


def at(full_url: str, resource: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"fullUrl": full_url, "resource": resource}],
    }


def search(*entries: dict[str, Any], **members: Any) -> dict[str, Any]:
    found = [{"fullUrl": urn(i), **entry} for i, entry in enumerate(entries)]
    return {"resourceType": "Bundle", "type": "searchset", "entry": found, **members}


def test_bundles__full_url_is_absolute(judge: Judge) -> None:
    assert judge(at("https://osteon.example/Patient/1", patient(id="1"))) == set()
    assert ("bundle-full-url-relative", "Bundle.entry[0]") in judge(
        at("Patient/1", patient(id="1"))
    )


@pytest.mark.parametrize(
    ("kind", "resource", "is_missed"),
    [
        *[(kind, patient(), True) for kind in ("collection", "document", "message", "searchset", "history")],
        *[(kind, patient(), False) for kind in ("batch", "transaction", "batch-response")],
        ("searchset", {"resourceType": "OperationOutcome", "issue": []}, False),
    ],
)  # fmt: skip
def test_bundles__entry_has_a_full_url_unless_its_resource_is_yet_to_be(
    judge: Judge, kind: str, resource: dict[str, Any], *, is_missed: bool
) -> None:
    found = judge({"resourceType": "Bundle", "type": kind, "entry": [{"resource": resource}]})
    assert (("bundle-full-url-missing", "Bundle.entry[0]") in found) is is_missed


def test_bundles__full_url_names_its_resource(judge: Judge) -> None:
    assert judge(at("https://osteon.example/Patient/1", patient(id="2"))) == {
        ("bundle-full-url-mismatch", "Bundle.entry[0]")
    }
    without_id = at("https://osteon.example/Patient/1", patient(active=True))
    assert judge(without_id) == {("bundle-full-url-mismatch", "Bundle.entry[0]")}
    without_id["entry"][0]["request"] = {"method": "POST", "url": "Patient"}
    assert judge({**without_id, "type": "transaction"}) == set()


def test_bundles__document_holds_what_its_composition_refers_to(judge: Judge) -> None:
    assert judge(document(patient())) == set()
    assert ("bundle-reference-missing", "Bundle.entry[0].resource.subject") in judge(
        document(patient(), subject={"reference": urn(7)})
    )
    elsewhere = {"reference": "https://osteon.example/Patient/7"}
    assert ("bundle-reference-missing", "Bundle.entry[0].resource.subject") in judge(
        document(patient(), subject=elsewhere)
    )
    replaced = [{"code": "replaces", "targetReference": {**elsewhere, "type": "Composition"}}]
    assert ("bundle-reference-missing", "Bundle.entry[0].resource.relatesTo[0].target") not in {
        (found, place.partition(".ofType")[0])
        for found, place in judge(document(patient(), relatesTo=replaced))
    }


def test_bundles__every_entry_of_a_document_is_reached(judge: Judge) -> None:
    assert judge(document(patient(), observation())) == {
        ("bundle-entry-unreached", "Bundle.entry[2]")
    }


def test_bundles__each_relation_has_one_link_in_a_search_result(judge: Judge) -> None:
    link = {"relation": "self", "url": "https://osteon.example/Patient"}
    assert judge(search(link=[link])) == judge(search())
    assert ("bundle-link-twice", "Bundle.link[1]") in judge(search(link=[link, link]))


def test_bundles__search_mode_outcome_is_for_outcomes(judge: Judge) -> None:
    found = {"resource": patient(id="1"), "search": {"mode": "match"}}
    assert judge(search(found)) == set()
    assert ("bundle-search-mode", "Bundle.entry[0].resource") in judge(
        search({**found, "search": {"mode": "outcome"}})
    )


def test_bundles__found_resource_has_an_id(judge: Judge) -> None:
    assert ("bundle-search-no-id", "Bundle.entry[0].resource") in judge(
        search({"resource": patient()})
    )


def test_bundles__a_match_is_of_the_type_searched_for(judge: Judge) -> None:
    def found(url: str, mode: str = "match") -> set[tuple[str, str]]:
        entry = {"resource": patient(id="1"), "search": {"mode": mode}}
        return judge(search(entry, link=[{"relation": "self", "url": url}]))

    base = "https://osteon.example/fhir"
    wrong = ("bundle-search-type", "Bundle.entry[0].resource")
    for url in (f"{base}/Patient?name=a", f"{base}/Patient/_search", f"{base}?_type=Patient", base):
        assert wrong not in found(url)
    assert wrong in found(f"{base}/Observation?code=a")
    assert wrong in found("Observation")
    assert wrong not in found(f"{base}/Observation", mode="include")
