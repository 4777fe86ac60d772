from decimal import Decimal

import pytest

from fhir_server.model.json_source import JsonPositions, JsonSyntaxError, encode_json, parse_json


@pytest.mark.parametrize(
    "source", [b'{"a":1.00}', b'{"a":-0.0}', b'{"a":12345678901234567890123}', b'{"a":1E+2}']
)
def test_parse_json__numbers_keep_their_digits(source: bytes) -> None:
    assert encode_json(parse_json(source)) == source


def test_parse_json__fraction_is_decimal() -> None:
    assert parse_json(b"[1.50]") == [Decimal("1.50")]
    assert str(parse_json(b"[1.50]")[0]) == "1.50"


@pytest.mark.parametrize(
    ("source", "line", "column", "issue_id"),
    [
        (b'{"a": 1, "a": 2}', 1, 10, "json-duplicate-key"),
        (b'{"b": ": x",\n "a":{"c":1,"c":1}}', 2, 13, "json-duplicate-key"),
        (b'{"a":}', 1, 6, "json-syntax"),
        (b"{'a':1}", 1, 2, "json-syntax"),
        (b'{"a":1} x', 1, 9, "json-syntax"),
        (b"[" * 100_000, 1, 202, "json-syntax"),
        (b'"\xff"', 1, 2, "json-syntax"),
        (b"[01]", 1, 3, "json-syntax"),
        (b"[NaN]", 1, 2, "json-syntax"),
        (b"[1e999999999]", 1, 2, "json-syntax"),
        (b"[0e-999999999]", 1, 2, "json-syntax"),
        (b"[1, 0." + b"0" * 1000 + b"1]", 1, 5, "json-syntax"),
        (b"", 1, 1, "json-syntax"),
    ],
)
def test_parse_json__fault_is_located(source: bytes, line: int, column: int, issue_id: str) -> None:
    with pytest.raises(JsonSyntaxError) as caught:
        parse_json(source)
    assert (caught.value.line, caught.value.column, caught.value.issue_id) == (
        line,
        column,
        issue_id,
    )


def test_parse_json__colon_after_quotation_mark_in_text_is_no_key() -> None:
    assert parse_json(b'{"a":": x","b":"\\":"}') == {"a": ": x", "b": '":'}


def test_positions__nearest_known_part_is_located() -> None:
    positions = JsonPositions(b'{\n "a": [1,\n  {"b":2}]}')
    assert positions.locate(("a", 1, "b")) == (3, 4)
    assert positions.locate(("a", 1, "missing")) == (3, 3)
