"""Atheris target: no text crashes the parser or the compiler of FHIRPath."""

from fhir_server.definitions import core_definitions
from fhir_server.fhirpath import FHIRPath, FHIRPathError
from tests.fuzz.target import fuzz

PATIENT = {"resourceType": "Patient", "name": [{"given": ["A"]}], "birthDate": "1974-12"}

_engine = FHIRPath(core_definitions().type_model)


def one_input(data: bytes) -> None:
    """Read, compile and run; only FHIRPathError may come out."""
    try:
        _engine.compile(data.decode(errors="replace"), "Patient").evaluate(PATIENT)
    except FHIRPathError as error:
        error.issue.text()


if __name__ == "__main__":
    fuzz(one_input)
