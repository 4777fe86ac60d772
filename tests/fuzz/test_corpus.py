"""The corpus of each target runs clean, and so do JSON values put together at random."""

from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.model.json_source import encode_json
from tests.fuzz import fuzz_json_source, fuzz_validator

CORPUS = Path(__file__).parent / "corpus"
NAMES = st.sampled_from([
    "resourceType", "id", "meta", "name", "_name", "given", "_given", "extension", "url", "valueString",
    "contained", "birthDate", "_birthDate", "managingOrganization", "reference", "entry", "resource", "text",
])  # fmt: skip
VALUES = st.recursive(
    st.sampled_from([None, True, 1, "", "Patient", "Bundle", "#o", "1974-12", "http://example.org/e"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize(
    "path", sorted(CORPUS.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_corpus__runs_clean(path: Path) -> None:
    import_module(f"tests.fuzz.fuzz_{path.parent.name}").one_input(path.read_bytes())


@given(st.dictionaries(NAMES, VALUES, max_size=5))
@settings(max_examples=300)
def test_validator__any_members_run_clean(members: dict[str, object]) -> None:
    fuzz_validator.one_input(encode_json({**members, "resourceType": "Patient"}))


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_json_source__any_bytes_run_clean(data: bytes) -> None:
    fuzz_json_source.one_input(data)
