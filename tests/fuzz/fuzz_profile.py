"""Atheris target: no StructureDefinition crashes the snapshot generator or the compiler of profiles."""

from fhir_server.definitions import core_definitions
from fhir_server.model.json_source import JsonSyntaxError, parse_json
from fhir_server.validation import Validator
from fhir_server.validation.snapshot import SnapshotError, completed
from tests.fuzz.target import fuzz

URL = "http://example.org/fuzzed"
PATIENT = {
    "resourceType": "Patient", "meta": {"profile": [URL]}, "gender": "male", "birthDate": "1974-12",
    "name": [{"family": "Exemple", "given": ["A"]}], "identifier": [{"system": "urn:x:y", "value": "1"}],
}  # fmt: skip


def one_input(data: bytes) -> None:
    """Only SnapshotError may come out, and issues."""
    try:
        structure = parse_json(data)
        completed(structure, core_definitions())
    except (JsonSyntaxError, SnapshotError):
        return
    loaded = core_definitions().layered([{**structure, "url": URL}])
    validator = Validator(loaded)
    for issue in validator.validate(PATIENT):
        issue.text("en")
    validator.accepts(PATIENT)


if __name__ == "__main__":
    fuzz(one_input)
