import pytest

from fhir_server.model.references import parse_reference


@pytest.mark.parametrize(
    ("text", "kind", "resource_type", "resource_id", "version"),
    [
        ("Patient/1", "relative", "Patient", "1", None),
        ("Patient/a-b.c/_history/2", "relative", "Patient", "a-b.c", "2"),
        ("http://x.org/fhir/Patient/1", "absolute", "Patient", "1", None),
        ("https://x.org/Patient/1/_history/3", "absolute", "Patient", "1", "3"),
        ("http://x.org/", "absolute", "", "", None),
        ("urn:uuid:7b1c", "urn", "", "", None),
        ("urn:oid:1.2.3", "urn", "", "", None),
        ("#p", "fragment", "", "", None),
        ("#", "fragment", "", "", None),
        ("Patient?identifier=a|b", "conditional", "Patient", "", None),
        ("mailto:a@b", "absolute", "", "", None),
        ("Patient", "other", "", "", None),
        ("Patient/", "other", "", "", None),
        ("Patient/" + "x" * 65, "other", "", "", None),
        ("Patient/1/2", "other", "", "", None),
        ("", "other", "", "", None),
    ],
)
def test_parse_reference__tells_the_kinds_apart(
    text: str, kind: str, resource_type: str, resource_id: str, version: str | None
) -> None:
    parsed = parse_reference(text)
    assert (parsed.kind, parsed.type, parsed.id, parsed.version) == (
        kind, resource_type, resource_id, version,
    )  # fmt: skip


def test_parse_reference__absolute_keeps_its_base() -> None:
    parsed = parse_reference("http://x.org/fhir/Patient/1")
    assert parsed.base == "http://x.org/fhir"
    assert parsed.is_local({"http://x.org/fhir"})
    assert not parsed.is_local({"http://y.org/fhir"})


def test_parse_reference__keeps_fragment_and_criteria() -> None:
    assert parse_reference("Patient/1#a").fragment == "a"
    assert parse_reference("Patient?name=x&a=b").query == "name=x&a=b"


def test_parse_reference__long_input_takes_no_long_time() -> None:
    assert parse_reference("http://" + "a/" * 50_000).kind == "absolute"
