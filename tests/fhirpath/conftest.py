import pytest

from fhir_server.definitions import Definitions, core_definitions
from fhir_server.fhirpath import FHIRPath


@pytest.fixture(scope="session")
def definitions() -> Definitions:
    return core_definitions()


@pytest.fixture(scope="session")
def lenient(definitions: Definitions) -> FHIRPath:
    return FHIRPath(definitions.type_model)


@pytest.fixture(scope="session")
def strict(definitions: Definitions) -> FHIRPath:
    return FHIRPath(definitions.type_model, lenient=False)
