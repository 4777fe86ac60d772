"""The rules of `validation/rules/extensions.py`: what keeps them, and what breaks them.

Source: FHIR R4 §2.4.0, https://hl7.org/fhir/R4/extensibility.html, and StructureDefinition.context
"""

from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.model.json_source import JsonPositions, encode_json
from fhir_server.model.locations import with_positions
from fhir_server.validation import Validator
from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import extension, patient, profile, url

SIMPLE = extension("simple", {"path": "Extension.value[x]", "min": 1, "type": [{"code": "string"}]})
MODIFIER = extension("modifier", {"path": "Extension", "isModifier": True,
                                  "isModifierReason": "It denies what the element says."})  # fmt: skip
ON_NAMES = extension("names", contexts=[{"type": "element", "expression": "HumanName"}])
ONLY_LIVING = extension("living", contextInvariant=["deceased.exists().not()"])
UNREADABLE = extension("unreadable", contextInvariant=["deceased.exists("])


def with_extension(name: str, **members: Any) -> dict[str, Any]:
    return patient(extension=[{"url": url(name), "valueString": "x"}], **members)


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (with_extension("simple"), set()),
        (patient(extension=[{"url": "http://hl7.org/fhir/StructureDefinition/none", "valueCode": "x"}]),
         {("extension-unknown", "Patient.extension[0]")}),
        (patient(extension=[{"url": "https://elsewhere.example/e", "valueCode": "x"}]),
         {("extension-not-checked", "Patient.extension[0]")}),
        (patient(extension=[{"url": "simple", "valueCode": "x"}]),
         {("extension-url-relative", "Patient.extension[0]")}),
        (patient(extension=[{"url": url("simple") + "|1", "valueString": "x"}]),
         {("extension-url-version", "Patient.extension[0].url"),
          ("fixed-value", "Patient.extension[0].url")}),
        (with_extension("names"), {("extension-context", "Patient")}),
        (patient(name=[{"family": "A", "extension": [{"url": url("names"), "valueCode": "x"}]}]), set()),
        (with_extension("modifier"), {("extension-is-modifier", "Patient.extension[0]")}),
        (patient(modifierExtension=[{"url": url("modifier"), "valueString": "x"}]), set()),
        (patient(modifierExtension=[{"url": url("simple"), "valueString": "x"}]),
         {("extension-not-modifier", "Patient.modifierExtension[0]")}),
        (with_extension("living"), set()),
        (with_extension("living", deceasedBoolean=True),
         {("extension-context-invariant", "Patient")}),
        (with_extension("unreadable"), {("invariant-not-checked", "Patient.extension[0]")}),
    ],
)  # fmt: skip
def test_extensions__known_and_where_they_may_be(
    judge: Judge, resource: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    assert judge(resource, SIMPLE, MODIFIER, ON_NAMES, ONLY_LIVING, UNREADABLE) == expected


def test_extensions__content_is_as_defined(judge: Judge) -> None:
    resource = patient(extension=[{"url": url("simple"), "valueInteger": 1}])
    found = judge(resource, SIMPLE)
    assert ("choice-type", "Patient.extension[0]") in found


def test_extensions__out_of_context_stands_on_its_own_line() -> None:
    resource = with_extension("names")
    source = encode_json(resource).replace(b'{"url"', b'\n{"url"')
    issues = Validator(core_definitions().layered([ON_NAMES])).validate(resource)
    [found] = [
        issue
        for issue in with_positions(issues, JsonPositions(source))
        if issue.id == "extension-context"
    ]
    assert (found.expression, found.line) == ("Patient", 2)


def test_extensions__either_value_or_parts(judge: Judge) -> None:
    assert ("invariant", "Patient.extension[0]") in judge(
        patient(extension=[{"url": url("simple")}]), SIMPLE
    )


def test_extensions__profile_asks_for_one(judge: Judge) -> None:
    element = {
        "path": "Patient.extension", "id": "Patient.extension:simple", "sliceName": "simple",
        "min": 1, "type": [{"code": "Extension", "profile": [url("simple")]}],
    }  # fmt: skip
    asking = profile("Patient", element, name="asking")
    assert judge(with_extension("simple"), SIMPLE, asking, profiles=(url("asking"),)) == set()
    assert judge(patient(), SIMPLE, asking, profiles=(url("asking"),)) == {("slice-min", "Patient")}


def test_extensions__profile_that_constrains_another_is_asked_beside_it(judge: Judge) -> None:
    text = {"path": "Extension.value[x]", "min": 1, "type": [{"code": "string"}]}
    note = extension("note", text)
    short = profile("Extension", {"path": "Extension.value[x]", "maxLength": 3},
                    name="short", base=url("note"))  # fmt: skip
    asking = profile("Patient", {
        "path": "Patient.extension", "id": "Patient.extension:short", "sliceName": "short",
        "min": 1, "type": [{"code": "Extension", "profile": [url("short")]}],
    })  # fmt: skip
    place = "Patient.extension[0].value.ofType(string)"
    for value, expected in (("abc", set()), ("abcd", {("primitive-too-long", place)})):
        noted = patient(extension=[{"url": url("note"), "valueString": value}])
        assert judge(noted, note, short, asking, profiles=(url("p"),)) == expected
