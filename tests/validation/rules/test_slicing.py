"""The rules of `validation/rules/slicing.py`: what keeps them, and what breaks them.

Source: FHIR R4 §5.1.0.14, https://hl7.org/fhir/R4/profiling.html#slicing
"""

from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import (
    CORE,
    bundle,
    claiming,
    observation,
    patient,
    profile,
    url,
)

LAB, WARD = (
    {"system": "https://lab.example", "value": "1"},
    {"system": "https://ward.example", "value": "2"},
)
OTHER = {"system": "https://other.example", "value": "3"}
PATH = "Patient.identifier"


def sliced(rules: str = "open", *, lab_min: int = 0, **slicing: Any) -> dict[str, Any]:
    """Identifiers sliced by system: `lab`, `ward`."""
    by_system = {"rules": rules, "discriminator": [{"type": "value", "path": "system"}], **slicing}
    elements: list[dict[str, Any]] = [{"path": PATH, "slicing": by_system}]
    for name, minimum in (("lab", lab_min), ("ward", 0)):
        one = f"{PATH}:{name}"
        elements += [
            {"path": PATH, "id": one, "sliceName": name, "min": minimum, "max": "1"},
            {"path": f"{PATH}.system", "id": f"{one}.system", "min": 1, "fixedUri": f"https://{name}.example"},
        ]  # fmt: skip
    return profile("Patient", *elements)


@pytest.mark.parametrize(
    ("definition", "identifiers", "expected"),
    [
        (sliced("closed"), [WARD, LAB], None),
        (sliced("closed"), [LAB, OTHER], ("slice-unmatched", f"{PATH}[1]")),
        (sliced(), [LAB, OTHER], None),
        (sliced(lab_min=1), [LAB], None),
        (sliced(lab_min=1), [WARD], ("slice-min", "Patient")),
        (sliced(ordered=True), [LAB, WARD], None),
        (sliced(ordered=True), [WARD, LAB], ("slice-order", f"{PATH}[1]")),
        (sliced("openAtEnd"), [LAB, OTHER], None),
        (sliced("openAtEnd"), [OTHER, LAB], ("slice-open-at-end", f"{PATH}[1]")),
    ],
)
def test_slicing__items_belong_to_slices(
    judge: Judge,
    definition: dict[str, Any],
    identifiers: list[dict[str, Any]],
    expected: tuple[str, str] | None,
) -> None:
    found = judge(claiming(patient(identifier=identifiers)), definition)
    assert found == (set() if expected is None else {expected})


def test_slicing__slice_with_too_many_items(judge: Judge) -> None:
    found = judge(claiming(patient(identifier=[LAB, LAB])), sliced())
    assert {issue_id for issue_id, _ in found} == {"slice-max"}


def test_slicing__slice_that_nothing_tells_apart(judge: Judge) -> None:
    slicing = {"rules": "open", "discriminator": [{"type": "value", "path": "system"}]}
    vague = profile(
        "Patient",
        {"path": PATH, "slicing": slicing},
        {"path": PATH, "id": f"{PATH}:vague", "sliceName": "vague"},
    )
    found = judge(claiming(patient(identifier=[LAB])), vague)
    assert {issue_id for issue_id, _ in found} == {"slice-undecided"}


def test_slicing__reslice_counts_within_its_slice(judge: Judge) -> None:
    slicing = {"rules": "open", "discriminator": [{"type": "value", "path": "system"}]}
    inner = {"rules": "closed", "discriminator": [{"type": "value", "path": "value"}]}
    lab = f"{PATH}:lab"
    resliced = profile(
        "Patient",
        {"path": PATH, "slicing": slicing},
        {"path": PATH, "id": lab, "sliceName": "lab", "slicing": inner},
        {"path": f"{PATH}.system", "id": f"{lab}.system", "min": 1, "fixedUri": "https://lab.example"},
        {"path": PATH, "id": f"{lab}/one", "sliceName": "lab/one", "min": 1, "max": "1"},
        {"path": f"{PATH}.system", "id": f"{lab}/one.system", "min": 1, "fixedUri": "https://lab.example"},
        {"path": f"{PATH}.value", "id": f"{lab}/one.value", "min": 1, "fixedString": "1"},
    )  # fmt: skip
    assert judge(claiming(patient(identifier=[LAB])), resliced) == set()
    other = {**LAB, "value": "7"}
    found = judge(claiming(patient(identifier=[other])), resliced)
    assert "slice-min" in {issue_id for issue_id, _ in found}


def _resliced(**rules: Any) -> dict[str, Any]:
    by_system = {"rules": "open", "discriminator": [{"type": "value", "path": "system"}]}
    by_use = {"discriminator": [{"type": "value", "path": "use"}], **rules}
    lab = f"{PATH}:lab"
    system = {"path": f"{PATH}.system", "min": 1, "fixedUri": "https://lab.example"}
    elements: list[dict[str, Any]] = [
        {"path": PATH, "slicing": by_system},
        {"path": PATH, "id": lab, "sliceName": "lab", "slicing": by_use},
        {**system, "id": f"{lab}.system"},
    ]
    for use in ("usual", "old"):
        name = f"{lab}/{use}"
        elements += [
            {"path": PATH, "id": name, "sliceName": f"lab/{use}"},
            {**system, "id": f"{name}.system"},
            {"path": f"{PATH}.use", "id": f"{name}.use", "min": 1, "fixedCode": use},
        ]
    return profile("Patient", *elements)


def _used(*uses: str) -> dict[str, Any]:
    return claiming(patient(identifier=[{**LAB, "use": use} for use in uses]))


def test_slicing__closed_reslicing_takes_no_other_item_of_its_slice(judge: Judge) -> None:
    closed = _resliced(rules="closed")
    other = {"system": "https://other.example", "value": "1", "use": "temp"}
    assert judge(_used("usual", "old"), closed) == set()
    assert judge(claiming(patient(identifier=[other])), closed) == set()
    assert judge(_used("usual", "temp"), closed) == {("slice-unmatched", f"{PATH}[1]")}
    assert judge(_used("temp"), _resliced(rules="open")) == set()


def test_slicing__reslicing_has_an_order_of_its_own(judge: Judge) -> None:
    ordered = _resliced(rules="open", ordered=True)
    assert judge(_used("usual", "old"), ordered) == set()
    assert judge(_used("old", "usual"), ordered) == {("slice-order", f"{PATH}[1]")}
    at_end = _resliced(rules="openAtEnd")
    assert judge(_used("usual", "temp"), at_end) == set()
    assert judge(_used("temp", "usual"), at_end) == {("slice-open-at-end", f"{PATH}[1]")}


def test_slicing__each_resource_type_of_a_slice_has_its_own_profiles(judge: Judge) -> None:
    kinds = ("Patient", "Observation")
    active = profile("Patient", {"path": "Patient.active", "min": 1}, name="Patient")
    dated = profile("Observation", {"path": "Observation.issued", "min": 1}, name="Observation")
    entry = "Bundle.entry"
    discriminator = {"type": "profile", "path": "resource"}
    types = [{"code": kind, "profile": [url(kind)]} for kind in kinds]
    either = profile(
        "Bundle",
        {"path": entry, "slicing": {"rules": "closed", "discriminator": [discriminator]}},
        {"path": entry, "id": f"{entry}:one", "sliceName": "one", "min": 1},
        {"path": f"{entry}.resource", "id": f"{entry}:one.resource", "type": types},
        name="either",
    )
    issued = observation(issued="2026-01-01T00:00:00Z")
    for resource in (patient(active=True), issued):
        given = claiming(bundle("collection", resource), "either")
        assert judge(given, active, dated, either) == set()
    given = claiming(bundle("collection", patient(), issued), "either")
    assert ("slice-unmatched", "Bundle.entry[0]") in judge(given, active, dated, either)


def test_slicing__slice_takes_an_element_of_another_profile(judge: Judge) -> None:
    """By elementdefinition-profile-element, the values of the slice meet one element of that profile."""
    by_system = [{"type": "value", "path": "system"}]
    library = profile(
        "Patient",
        {"path": PATH, "slicing": {"rules": "open", "discriminator": by_system}},
        {"path": PATH, "id": f"{PATH}:lab", "sliceName": "lab"},
        {"path": f"{PATH}.system", "id": f"{PATH}:lab.system", "min": 1, "fixedUri": LAB["system"]},
        {"path": f"{PATH}.use", "id": f"{PATH}:lab.use", "min": 1},
        name="library",
    )  # fmt: skip
    element = {"url": f"{CORE}/elementdefinition-profile-element", "valueString": f"{PATH}:lab"}
    named = {
        "code": "Identifier",
        "profile": [url("library")],
        "_profile": [{"extension": [element]}],
    }
    user = profile(
        "Patient",
        {"path": PATH, "slicing": {"rules": "closed", "discriminator": by_system}},
        {"path": PATH, "id": f"{PATH}:mine", "sliceName": "mine", "type": [named]},
    )  # fmt: skip
    right = {**LAB, "use": "official"}
    assert judge(claiming(patient(identifier=[right])), library, user) == set()
    assert judge(claiming(patient(identifier=[LAB])), library, user) == {
        ("cardinality-min", f"{PATH}[0]")
    }
    other = {**right, "system": "https://other.example"}
    assert ("slice-unmatched", f"{PATH}[0]") in judge(
        claiming(patient(identifier=[other])), library, user
    )


def test_slicing__of_contained_resources_by_type(judge: Judge) -> None:
    sliced = profile(
        "Observation",
        {"path": "Observation.contained",
         "slicing": {"discriminator": [{"type": "type", "path": "$this"}], "rules": "open"}},
        {"id": "Observation.contained:patient", "path": "Observation.contained",
         "sliceName": "patient", "min": 1, "type": [{"code": "Patient"}]},
    )  # fmt: skip
    about = {"subject": {"reference": "#p"}}
    own = observation(contained=[patient(id="p", active=True)], **about)
    assert judge(own, sliced, profiles=(url("p"),)) == set()
    other = observation(
        contained=[{"resourceType": "Device", "id": "p", "status": "active"}], **about
    )
    assert judge(other, sliced, profiles=(url("p"),)) == {("slice-min", "Observation")}
    broken = observation(contained=[patient(id="p", active="yes")], **about)
    assert ("primitive-form", "Observation.contained[0].active") in judge(
        broken, sliced, profiles=(url("p"),)
    )
