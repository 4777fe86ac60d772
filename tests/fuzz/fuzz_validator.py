"""Atheris target: no JSON crashes the validator, and its fast and its detailed path agree."""

from fhir_server.definitions import core_definitions
from fhir_server.model.issues import has_errors
from fhir_server.model.json_source import JsonSyntaxError, parse_json
from fhir_server.validation import Validator
from tests.fuzz.target import fuzz

_validator = Validator(core_definitions())


def one_input(data: bytes) -> None:
    """Nothing may come out but issues."""
    try:
        resource = parse_json(data)
    except JsonSyntaxError:
        return
    issues = _validator.validate(resource)
    for issue in issues:
        assert issue.text("en") != issue.id
        issue.hint("fr")
    assert _validator.accepts(resource) is not has_errors(issues)


if __name__ == "__main__":
    fuzz(one_input)
