import pytest

from fhir_server.demo.centres import Centre, load_centres
from fhir_server.demo.network import patients
from fhir_server.demo.records import DemoPatient


@pytest.fixture(scope="session")
def centres() -> dict[str, Centre]:
    return load_centres()


@pytest.fixture(scope="session")
def people(centres: dict[str, Centre]) -> list[DemoPatient]:
    """Enough patients that every rare turn of events is among them."""
    return list(patients(7, 600, centres))
