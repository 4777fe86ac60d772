"""Atheris target: the fast and the exact reader of JSON agree, and what is read is written back alike."""

from contextlib import suppress

from fhir_server.model.json_source import JsonPositions, JsonSyntaxError, encode_json, parse_json
from tests.fuzz.target import fuzz


def one_input(data: bytes) -> None:
    """Only JsonSyntaxError may come out."""
    with suppress(JsonSyntaxError):
        JsonPositions(data, tolerant=True)
    try:
        value = parse_json(data)
    except JsonSyntaxError:
        return
    assert JsonPositions(data).value == value
    assert parse_json(encode_json(value)) == value


if __name__ == "__main__":
    fuzz(one_input)
