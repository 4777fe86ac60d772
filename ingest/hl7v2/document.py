"""Embedded documents: the data of an ED value, decoded piece by piece, never held twice in memory.

Source: HL7 v2.5.1 §2.A.24 (ED), table 0299 (encoding: A, Hex, Base64).
"""

import binascii
from collections.abc import Callable, Iterator

from ingest.hl7v2.faults import Hl7SyntaxError
from ingest.hl7v2.segment import Part, Repetition

ENCODING_COMPONENT = 4
DATA_COMPONENT = 5
_STEP = 1_048_576
_WHITE_SPACE = b" \t\r\n"


def document(repetition: Repetition) -> Iterator[bytes]:
    """The pieces of the document in a repetition of type ED.

    Shape: ED.5 decoded as ED.4 says (an empty ED.4 is A); line breaks inside Base64 and Hex, raw or as
    escapes, are skipped.
    Errors: Hl7SyntaxError with the place where the data is not in the encoding declared.
    """
    encoding = (repetition.component(ENCODING_COMPONENT) or "A").upper()
    raw = repetition.component_raw(DATA_COMPONENT)
    if encoding == "A":
        text = repetition.component(DATA_COMPONENT) or ""
        return iter([text.encode()])
    decoders: dict[str, tuple[Callable[[bytes], bytes], int]] = {
        "BASE64": (_base64, 4),
        "HEX": (binascii.unhexlify, 2),
    }
    if encoding not in decoders:
        raise _not_encoded(repetition, ENCODING_COMPONENT)
    decode, group_size = decoders[encoding]
    return _decoded(repetition, _without_escapes(repetition, raw), decode, group_size)


def _decoded(
    repetition: Repetition, raw: Part, decode: Callable[[bytes], bytes], group_size: int
) -> Iterator[bytes]:
    rest = b""
    for start in range(0, len(raw), _STEP):
        piece = rest + bytes(raw[start : start + _STEP]).translate(None, _WHITE_SPACE)
        whole = len(piece) - len(piece) % group_size
        rest = piece[whole:]
        yield _checked(repetition, decode, piece[:whole])
    if rest:
        yield _checked(repetition, decode, rest)


def _checked(repetition: Repetition, decode: Callable[[bytes], bytes], piece: bytes) -> bytes:
    try:
        return decode(piece)
    except (binascii.Error, ValueError):
        raise _not_encoded(repetition, DATA_COMPONENT) from None


def _not_encoded(repetition: Repetition, component: int) -> Hl7SyntaxError:
    place = (repetition.field, repetition.number, component)
    return Hl7SyntaxError(repetition.segment.fault("hl7v2-document-encoding", 102, *place))


def _base64(piece: bytes) -> bytes:
    return binascii.a2b_base64(piece, strict_mode=True) if piece else b""


def _without_escapes(repetition: Repetition, raw: Part) -> Part:
    escape = repetition.segment.message.delimiters.escape
    # A search in a view would walk it byte by byte in Python; the segment's bytes are searched instead.
    segment = repetition.segment
    start, end = segment.start, segment.end
    if not escape or segment.message.raw.find(escape, start, end) < 0:
        return raw
    return segment.message.decode(raw).encode()
