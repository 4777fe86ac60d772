"""Atheris target: no text crashes the parser or the compiler. By hand, atheris is no dependency:

pip install atheris && python -m tests.fuzz.fuzz_fhirpath tests/fuzz/corpus/fhirpath
"""

import sys
from importlib import import_module

from fhir_server.definitions import core_definitions
from fhir_server.fhirpath import FHIRPath, FHIRPathError

PATIENT = {"resourceType": "Patient", "name": [{"given": ["A"]}], "birthDate": "1974-12"}

_engine = FHIRPath(core_definitions().type_model)


def one_input(data: bytes) -> None:
    """Read, compile and run; only FHIRPathError may come out."""
    try:
        _engine.compile(data.decode(errors="replace"), "Patient").evaluate(PATIENT)
    except FHIRPathError as error:
        error.issue.text()


def main() -> None:
    atheris = import_module("atheris")
    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
