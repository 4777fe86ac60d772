"""Whatever a client sends, a search is answered or refused: no other exception, no SQL that fails."""

from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.model.issues import Refused
from fhir_server.search.full_text import text_vector
from fhir_server.search.request import parse_search
from fhir_server.search.run import run_search
from tests.search.conftest import BASE_URL, SearchStore

TYPES = ["Patient", "Observation", "Location", "ValueSet", "RiskAssessment", None]
NAMES = st.sampled_from([
    "name", "family", "gender", "identifier", "birthdate", "code", "subject", "patient", "value-quantity",
    "combo-code-value-quantity", "code-value-date", "probability", "near", "url", "_id", "_lastUpdated",
    "_profile", "_tag", "_type", "_list", "_sort", "_count", "_include", "_revinclude", "_total",
    "_summary", "_cursor", "_text", "_content", "_filter", "_explain",
    "subject.name", "patient.organization.name", "_has:Observation:patient:code",
])  # fmt: skip
MODIFIERS = st.sampled_from([
    "", ":exact", ":contains", ":missing", ":not", ":text", ":identifier", ":Patient", ":above", ":below",
    ":in", ":of-type", ":iterate", ":", "::", ".", ":Patient.name",
])  # fmt: skip
PIECES = st.sampled_from([
    "a", "Patient/1", "2020-02-30", "2020", "9999-12-31", "ge", "ap", "1e999", "-0.5", "|", "$", ",", "\\",
    "%", "_", "'", "\x00", "true", "*", ":", "http://x/y", "urn:uuid:1", "٣", "é", "Observation:patient",
    "Patient:*", "-birthdate", "name co ", "birthdate ge ", " and ", "not (", ")", "[", "]", '"', " OR ",
    "given pr true", " ", "gender", "general-practitioner", "9" * 30, "0001-01-01", "T10:00Z", "mg", "90", "http://unitsofmeasure.org",
])  # fmt: skip
VALUES = st.one_of(
    st.lists(PIECES, max_size=6).map("".join), st.text(st.characters(exclude_categories=["Cs"]))
)


@settings(max_examples=100)
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_text_vector__is_one_as_postgresql_writes_it(store: SearchStore, texts: list[str]) -> None:
    vector = text_vector({"resourceType": "Condition", "note": [{"text": one} for one in texts]})
    with store.database.connection() as connection:
        row = connection.execute("SELECT %s::tsvector::text", (vector,)).fetchone()
    assert row == (vector,)


@settings(max_examples=300)
@given(
    resource_type=st.sampled_from(TYPES),
    parts=st.lists(st.tuples(NAMES, MODIFIERS, VALUES), min_size=1, max_size=3),
)
def test_search__answers_or_refuses(
    store: SearchStore, resource_type: str | None, parts: list[tuple[str, str, str]]
) -> None:
    pairs = [(name + modifier, value) for name, modifier, value in parts]
    try:
        request = parse_search(
            store.indexer.parameters, resource_type, pairs, lenient=False, base_url=BASE_URL
        )
        with store.database.connection() as connection:
            run_search(connection, request)
    except Refused as refused:
        texts = [issue.text("fr") for issue in refused.issues if 400 <= refused.status < 500]
    else:
        texts = ["answered"]
    assert texts
    assert all(texts)
