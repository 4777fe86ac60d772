"""Query strings, as parameters: of a URL, a form, an entry of a Bundle or the criteria of a condition."""

from urllib.parse import parse_qsl

from fhir_server.model.issues import refuse

GENERAL = frozenset({"_format", "_pretty"})
"""What every interaction takes: how the answer is written."""


def query_text(raw: bytes) -> str:
    """A query as it came, what is not ASCII escaped: some clients send such bytes as they are, in UTF-8."""
    if raw.isascii():
        return raw.decode()
    return "".join(chr(byte) if byte < 0x80 else f"%{byte:02X}" for byte in raw)


def query_pairs(query: str, expression: str = "") -> list[tuple[str, str]]:
    """The parameters, decoded, in order.

    Errors: Refused 400 for bytes that are no UTF-8, and for U+0000, which no string of FHIR holds.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        raise refuse(400, "query-not-utf8", "value", expression) from None
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            raise refuse(400, "search-value-null", "value", expression,
                         parameter=name.replace("\x00", "")[:100])  # fmt: skip
    return pairs
