import pytest

from fhir_server.model.issues import Refused
from fhir_server.search.request import parse_search
from fhir_server.search.run import run_search
from tests.search.conftest import SearchStore, names


def _in_compartment(
    store: SearchStore, owner: tuple[str, str], resource_type: str | None, *pairs: tuple[str, str]
) -> list[str]:
    request = parse_search(
        store.indexer.parameters, resource_type, pairs,
        lenient=False, base_url="http://osteon.test/fhir", compartment=owner,
    )  # fmt: skip
    with store.database.connection() as connection:
        return sorted(names(run_search(connection, request).matches))


def test_compartment__holds_what_belongs_to_its_owner(network: SearchStore) -> None:
    owner = ("Patient", "1")
    assert _in_compartment(network, owner, "Condition") == ["Condition/c1"]
    assert _in_compartment(network, owner, "Observation", ("code", "b")) == ["Observation/o2"]
    assert _in_compartment(network, owner, None) == [
        "Condition/c1", "Observation/o1", "Observation/o2", "Patient/1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "resource_type"),
    [(("Organization", "o"), "Patient"), (("Patient", "1"), "Organization")],
)
def test_compartment__that_does_not_exist_is_refused(
    network: SearchStore, owner: tuple[str, str], resource_type: str
) -> None:
    with pytest.raises(Refused) as refused:
        _in_compartment(network, owner, resource_type)
    assert refused.value.status == 404
