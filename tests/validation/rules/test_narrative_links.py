"""The rules of `validation/rules/narrative_links.py`: what keeps them, and what breaks them.

Source: FHIR R4 §2.4.0.3, https://hl7.org/fhir/R4/narrative.html#id
"""

from typing import Any

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import bundle, patient, urn

PLACE = "Patient.text.div"


def linking(to: str, **members: Any) -> dict[str, Any]:
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><a id="b" href="{to}">A</a></div>'
    return patient(text={"status": "generated", "div": div}, **members)


def test_narrative_links__lead_to_an_id_in_the_resource(judge: Judge) -> None:
    assert judge(linking("#b")) == set()
    assert judge(linking("#c", name=[{"id": "c", "family": "A"}])) == set()
    assert judge(linking("#d")) == {("narrative-link", PLACE)}


def test_narrative_links__images_within_are_there(judge: Judge) -> None:
    def showing(source: str) -> dict[str, Any]:
        div = (
            f'<div xmlns="http://www.w3.org/1999/xhtml"><img id="b" alt="A" src="{source}"/></div>'
        )
        return patient(text={"status": "generated", "div": div})

    assert judge(showing("a.png")) == judge(showing("#b")) == set()
    assert judge(showing("#d")) == {("narrative-link", PLACE)}


def test_narrative_links__lead_to_an_entry_of_the_bundle(judge: Judge) -> None:
    assert judge(bundle("collection", linking(urn(1)), patient())) == set()
    assert judge(bundle("collection", linking(urn(2)), patient())) == {
        ("narrative-link", "Bundle.entry[0].resource.text.div")
    }
