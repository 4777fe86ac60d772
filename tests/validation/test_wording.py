"""What issues say in both languages, where their parts come from readers, profiles and expressions."""

from pathlib import Path
from typing import Any

import pytest

from fhir_server.definitions import core_definitions
from fhir_server.model.issues import Issue
from fhir_server.validation import Validator
from fhir_server.validation.sources import Record, records, validate_record
from tests.validation.rules.definitions import claiming, patient, profile

FHIR = 'xmlns="http://hl7.org/fhir"'


def issues_of(source: str) -> tuple[Issue, ...]:
    return validate_record(Record("x", source.encode()), Validator(core_definitions()), ()).issues


def broken(**constraint: Any) -> Issue:
    ruled = profile("Patient", {"path": "Patient", "constraint": [
        {"severity": "error", "expression": "name.exists()", **constraint},
    ]})  # fmt: skip
    found = Validator(core_definitions().layered([ruled])).validate(claiming(patient()))
    return next(one for one in found if one.id.startswith("invariant") and one.severity == "error")


@pytest.mark.parametrize(
    ("source", "english", "french"),
    [
        ('{"a" 1}', "This is no JSON: a colon was expected.",
         "Ceci n’est pas du JSON : un deux-points était attendu."),
        ('{"resourceType": "Patient", "id": "1", "id": "2"}',
         "A key stands twice in the same object: “id”.",
         "Une clé figure deux fois dans le même objet : « id »."),
        (f"<Patient {FHIR}><id></Patient>",
         "This is no FHIR XML: an end tag does not fit the element that is open.",
         "Ceci n’est pas du XML FHIR : une balise de fin ne correspond pas à l’élément ouvert."),
        (f"<Patient {FHIR}>text</Patient>",
         "This is no FHIR XML: text stands outside of an attribute.",
         "Ceci n’est pas du XML FHIR : du texte se trouve hors d’un attribut."),
    ],
)  # fmt: skip
def test_text__reader_gives_its_reason_in_the_language(
    source: str, english: str, french: str
) -> None:
    first = issues_of(source)[0]
    assert (first.text("en"), first.text("fr")) == (english, french)


def test_hint__form_of_a_primitive_is_told_in_the_language() -> None:
    found = next(one for one in issues_of('{"resourceType":"Patient","language":" a"}')
                 if one.id == "primitive-form")  # fmt: skip
    assert found.hint("en").startswith("Expected form: text without spaces around it")
    assert found.hint("fr").startswith("Forme attendue : du texte sans espaces aux bords")


def test_text__boolean_of_an_xml_document_is_not_told_as_json() -> None:
    source = f'<Patient {FHIR}>\n   <active value="yes"/></Patient>'
    found = next(one for one in issues_of(source) if one.expression == "Patient.active")
    assert found.text() == "“yes” is no valid boolean."
    assert (found.line, found.column) == (2, 4)


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("gendre", "Remove it or correct its spelling (close names: gender)."),
        ("colour", "Remove it or correct its spelling."),
    ],
)
def test_hint__unknown_element_names_what_is_spelt_alike_if_there_is_any(
    key: str, hint: str
) -> None:
    found = issues_of(f'{{"resourceType":"Patient","{key}":"x"}}')[0]
    assert found.hint("en") == hint
    assert ("noms proches" in found.hint("fr")) is ("close" in hint)


def test_text__invariant_without_key_and_human_is_a_sentence() -> None:
    found = broken()
    assert found.text("en") == "Rule without a key is broken: its expression is not true."
    assert found.text("fr") == (
        "La règle sans clé n’est pas respectée : son expression n’est pas vraie."
    )


def test_text__invariant_is_told_in_the_translation_of_its_author() -> None:
    translation = {
        "url": "http://hl7.org/fhir/StructureDefinition/translation",
        "extension": [
            {"url": "lang", "valueCode": "fr"},
            {"url": "content", "valueString": "Il faut un nom."},
        ],
    }
    found = broken(key="x-1", human="A name is needed.", _human={"extension": [translation]})
    assert found.text("en") == "Rule x-1 is broken: A name is needed."
    assert found.text("fr") == "La règle x-1 n’est pas respectée : Il faut un nom."


def test_hint__invariant_repeats_a_long_expression_in_part() -> None:
    long = " and ".join(["name.exists()"] * 2_000)
    assert len(broken(key="x-1", human="A name.", expression=long).hint()) < 600


def test_text__reason_of_an_expression_is_that_of_fhirpath() -> None:
    ruled = profile("Patient", {"path": "Patient", "constraint": [
        {"key": "x-1", "severity": "error", "human": "A", "expression": "foo() and " * 400 + "foo()"},
    ]})  # fmt: skip
    found = Validator(core_definitions().layered([ruled])).validate(claiming(patient()))
    issue = next(one for one in found if one.id == "invariant-not-checked")
    assert issue.text("fr").endswith("n’a pas pu être vérifiée : La fonction foo() n’existe pas.")
    assert all(len(issue.hint(language)) < 400 for language in ("en", "fr"))


def test_text__file_that_cannot_be_read_says_why_in_the_language(tmp_path: Path) -> None:
    (tmp_path / "p.json").symlink_to(tmp_path / "p.json")
    result = next(iter(records(tmp_path / "p.json")))
    assert not isinstance(result, Record)
    assert result.issues[0].text("en").endswith(": its links run in a circle.")
    assert result.issues[0].text("fr").endswith(": ses liens tournent en rond.")
