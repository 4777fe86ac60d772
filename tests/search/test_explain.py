from fhir_server.search.explain import explain
from tests.search.conftest import SearchStore


def test_explain__shows_predicates_statement_and_plan(network: SearchStore) -> None:
    request = network.request("Condition?subject:Patient.family=un&code=x&_sort=-recorded-date")
    with network.database.connection() as connection:
        text = str(explain(connection, request))
    assert all(
        part in text for part in ("Chained", "HasString", "SELECT r.key", "tokens @>", "Plan")
    )


def test_explain__shows_no_value(store: SearchStore) -> None:
    request = store.request(
        "Patient?name=dupont&name:contains=upon&birthdate=ge1957-03-02&identifier=http://s|4711"
    )
    with store.database.connection() as connection:
        for analyze in (False, True):
            text = str(explain(connection, request, analyze=analyze)).lower()
            assert not [one for one in ("upon", "1957", "4711", "-40488") if one in text]
