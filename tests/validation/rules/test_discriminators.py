"""The rules of `validation/rules/discriminators.py`: what keeps them, and what breaks them.

Source: FHIR R4 §5.1.0.14, https://hl7.org/fhir/R4/profiling.html#discriminator
"""

from typing import Any

import pytest

from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import bundle, claiming, observation, patient, profile, url


def sliced(path: str, kind: str, at: str, **slices: list[dict[str, Any]]) -> dict[str, Any]:
    """A profile on Observation that slices an element, closed; each slice by its elements below."""
    slicing = {"rules": "closed", "discriminator": [{"type": kind, "path": at}]}
    elements: list[dict[str, Any]] = [{"path": path, "slicing": slicing}]
    for name, inner in slices.items():
        identity = f"{path}:{name}"
        elements.append({"path": path, "id": identity, "sliceName": name})
        for one in inner:
            step = one["path"]
            place = {"path": f"{path}.{step}", "id": f"{identity}.{step}"} if step else {
                "path": path, "id": identity}  # fmt: skip
            elements.append({**one, **place})
    return profile("Observation", *elements)


def component(**members: Any) -> dict[str, Any]:
    return {"code": {"text": "x"}, **members}


BY_VALUE = sliced("Observation.category", "value", "text",
                  lab=[{"path": "text", "fixedString": "lab", "min": 1}])  # fmt: skip
BY_PATTERN = sliced("Observation.category", "pattern", "$this",
                    lab=[{"path": "", "patternCodeableConcept": {"text": "lab"}}])  # fmt: skip
BY_EXISTENCE = sliced("Observation.component", "exists", "value",
                      valued=[{"path": "value[x]", "min": 1}],
                      empty=[{"path": "value[x]", "max": "0"}])  # fmt: skip
BY_TYPE = sliced("Observation.component", "type", "value",
                 text=[{"path": "value[x]", "type": [{"code": "string"}], "min": 1}])  # fmt: skip
BY_PROFILE = sliced("Observation.focus", "profile", "resolve()", named=[{"path": "", "type": [
    {"code": "Reference", "targetProfile": [url("named")]}]}])  # fmt: skip
NAMED = profile("Patient", {"path": "Patient.name", "min": 1}, name="named")


@pytest.mark.parametrize(
    ("definition", "members", "is_met"),
    [
        (BY_VALUE, {"category": [{"text": "lab"}]}, True),
        (BY_VALUE, {"category": [{"text": "image"}]}, False),
        (BY_PATTERN, {"category": [{"id": "a", "text": "lab"}]}, True),
        (BY_PATTERN, {"category": [{"text": "image"}]}, False),
        (BY_EXISTENCE, {"component": [component(valueString="x"), component(
            dataAbsentReason={"text": "x"})]}, True),
        (BY_TYPE, {"component": [component(valueString="x")]}, True),
        (BY_TYPE, {"component": [component(valueInteger=1)]}, False),
    ],
)  # fmt: skip
def test_discriminators__tell_items_apart(
    judge: Judge, definition: dict[str, Any], members: dict[str, Any], *, is_met: bool
) -> None:
    found = {issue_id for issue_id, _ in judge(claiming(observation(**members)), definition)}
    assert ("slice-unmatched" in found) is not is_met


@pytest.mark.parametrize(("name", "is_met"), [([{"family": "A"}], True), (None, False)])
def test_discriminators__profile_of_what_is_referred_to(
    judge: Judge, name: list[Any] | None, *, is_met: bool
) -> None:
    target = patient(id="a", **({"name": name} if name else {"active": True}))
    one = claiming(observation(contained=[target], focus=[{"reference": "#a"}]))
    found = {issue_id for issue_id, _ in judge(bundle("collection", one), BY_PROFILE, NAMED)}
    assert ("slice-unmatched" in found) is not is_met


@pytest.mark.parametrize("kind", [5, {"text": "Patient"}, ["Patient"]])
def test_discriminators__target_without_a_type_meets_none(judge: Judge, kind: Any) -> None:
    definition = sliced("Observation.focus", "value", "resolve().gender",
                        woman=[{"path": "", "type": [
                            {"code": "Reference", "targetProfile": [url("woman")]}]}])  # fmt: skip
    woman = profile(
        "Patient", {"path": "Patient.gender", "fixedCode": "female", "min": 1}, name="woman"
    )
    odd = {"resourceType": kind, "id": "a", "gender": "male"}
    found = judge(
        claiming(observation(contained=[odd], focus=[{"reference": "#a"}])), definition, woman
    )
    assert ("slice-unmatched", "Observation.focus[0]") in found
    assert "profile-fault-of-ours" not in {issue_id for issue_id, _ in found}
