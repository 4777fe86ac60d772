"""JSON as FHIR wants it: lossless numbers, no duplicate keys, errors with line and column.

`parse_json` is the fast way and says where it fails; `JsonPositions` is the slow, exact reader that
knows where in the source text each value stands, used only once something has to be explained.

Source: RFC 8259; FHIR R4 §2.6.1 (decimals keep their precision, keys are unique).
"""

import codecs
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from fhir_server.model.issues import Reason, because, refuse
from fhir_server.model.source_faults import SourceFault

MAX_DEPTH = 200
"""Deepest nesting of objects and arrays that is read; FHIR resources stay far below."""

MAX_MAGNITUDE = 1000
"""Decimal places before or after the point, and digits written, of the longest number that is read.

Exact arithmetic writes a number out: the eleven bytes of 1e999999999 would fill a gigabyte.
"""

Path = tuple[str | int, ...]
"""Keys and zero-based indexes from the root of a JSON document to a value."""


class JsonSyntaxError(ValueError):
    """Source text that is no JSON. `line` and `column` count from 1."""

    def __init__(
        self, reason: Reason, line: int, column: int, *, issue_id: str = "json-syntax"
    ) -> None:
        super().__init__(f"line {line}, column {column}: {reason}")
        self.reason = reason
        self.line = line
        self.column = column
        self.issue_id = issue_id


def parse_decimal(digits: str) -> Decimal:
    """A number with its digits.

    Errors: ArithmeticError for one too large or too long to be reckoned with exactly.
    """
    value = Decimal(digits)
    if len(digits) > MAX_MAGNITUDE or not -MAX_MAGNITUDE <= value.adjusted() <= MAX_MAGNITUDE:
        raise OverflowError
    return value


_decoder = msgspec.json.Decoder(float_hook=parse_decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")

# A quotation mark before a colon ends a key, save inside string values, where it may only add to the
# count: when count and keys agree, no key came twice.
_KEY_END = b'":'
_WHITE_SPACE = b" \t\r\n"


def parse_json(source: bytes) -> Any:
    """Read one JSON document.

    Shape: objects → dict, arrays → list, integers → int, other numbers → Decimal.
    Errors: JsonSyntaxError for broken JSON, duplicate keys, text that is not UTF-8, nesting deeper
    than MAX_DEPTH, or a number beyond MAX_MAGNITUDE.
    """
    if source.startswith(b"\xef\xbb\xbf"):
        source = source[3:]
    try:
        value = _decoder.decode(source)
        ends = source.translate(None, _WHITE_SPACE).count(_KEY_END)
        suspicious = ends != _count_keys(value, MAX_DEPTH)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ArithmeticError):
        return JsonPositions(source).value
    if suspicious:
        return JsonPositions(source).value
    return value


def parse_stored(body: bytes) -> Any:
    """Read what this server has written: a stored resource, or a Bundle around some.

    Shape: as `parse_json`. The bounds were held when it came, or were wider then: what an earlier version
    took has to stay readable.
    Errors: Refused 422 where it nests too deeply, or holds too large a number, to be gone through.
    """
    try:
        return _decoder.decode(body)
    except (RecursionError, ArithmeticError):
        raise refuse(422, "content-beyond-reach", "too-costly") from None


def encode_json(value: Any) -> bytes:
    """Write a value read by `parse_json` back, compact, each number with its digits."""
    return _encoder.encode(value)


def pretty_json(value: Any) -> bytes:
    """Write a value with an indent of two spaces."""
    return msgspec.json.format(_encoder.encode(value), indent=2)


def _count_keys(value: Any, room: int) -> int:
    if room < 0:
        raise RecursionError
    count = 0
    if type(value) is dict:
        count = len(value)
        for member in value.values():
            if type(member) is dict or type(member) is list:
                count += _count_keys(member, room - 1)
    elif type(value) is list:
        for member in value:
            if type(member) is dict or type(member) is list:
                count += _count_keys(member, room - 1)
    return count


_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"([^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""How a text begins of which nothing can be read as UTF-8."""
_LITERALS = {"true": True, "false": False, "null": None}


class JsonPositions:
    """The exact reader: the document's `value`, and where each part of it stands.

    A `tolerant` reader reads past what it can and notes it in `faults`: bytes that are no UTF-8, and keys
    that stand twice, of which it keeps the last.
    Errors: JsonSyntaxError, as `parse_json`.
    Cost: some thirty times that of `parse_json`.
    """

    def __init__(self, source: bytes, *, tolerant: bool = False) -> None:
        self._is_tolerant = tolerant
        self.faults: list[SourceFault] = []
        try:
            self._text = source.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            if not tolerant or source.startswith(_UTF_16):
                self._text = source[: error.start].decode()
                raise self._error(because("because-not-utf-8"), error.start) from None
            self._text = source.decode("utf-8-sig", "replace")
            self.faults.append(SourceFault.of_encoding(source))
        self._offsets: dict[Path, int] = {}
        end, self.value = self._read((), self._skip(0), 0)
        end = self._skip(end)
        if end != len(self._text):
            raise self._error(because("because-json-after-end"), end)

    def locate(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Line and column of the value at a path, or of the nearest part around it that exists."""
        steps = tuple(path)
        while steps and steps not in self._offsets:
            steps = steps[:-1]
        return self._line_column(self._offsets.get(steps, 0))

    def _read(self, path: Path, at: int, depth: int) -> tuple[int, Any]:
        if depth > MAX_DEPTH:
            raise self._error(because("because-too-deep", max=MAX_DEPTH), at)
        self._offsets.setdefault(path, at)
        text = self._text
        first = text[at : at + 1]
        if first == "{":
            return self._read_object(path, at, depth)
        if first == "[":
            return self._read_array(path, at, depth)
        if first == '"':
            return self._read_string(at)
        for literal, value in _LITERALS.items():
            if text.startswith(literal, at):
                return at + len(literal), value
        number = _NUMBER.match(text, at)
        if number is None:
            missing = "because-json-value" if first else "because-json-end"
            raise self._error(because(missing), at)
        return number.end(), self._number(number, at)

    def _number(self, number: re.Match[str], at: int) -> int | Decimal:
        if number[1] is None and number[2] is None:
            if len(number[0]) > 4000:
                raise self._error(because("because-json-long-number"), at)
            return int(number[0])
        try:
            return parse_decimal(number[0])
        except ArithmeticError:
            raise self._error(because("because-json-number-range"), at) from None

    def _read_object(self, path: Path, at: int, depth: int) -> tuple[int, dict[str, Any]]:
        members: dict[str, Any] = {}
        text = self._text
        at = self._skip(at + 1)
        if text.startswith("}", at):
            return at + 1, members
        while True:
            if not text.startswith('"', at):
                raise self._error(because("because-json-key"), at)
            key_at = at
            at, key = self._read_string(at)
            if key in members:
                twice = because("because-key", key=key[:100])
                fault = self._error(twice, key_at, "json-duplicate-key")
                if not self._is_tolerant:
                    raise fault
                self.faults.append(
                    SourceFault(fault.issue_id, fault.reason, fault.line, fault.column, path)
                )
            at = self._skip(at)
            if not text.startswith(":", at):
                raise self._error(because("because-json-colon"), at)
            inner = (*path, key)
            self._offsets[inner] = key_at
            at, members[key] = self._read(inner, self._skip(at + 1), depth + 1)
            at = self._skip(at)
            if text.startswith("}", at):
                return at + 1, members
            if not text.startswith(",", at):
                raise self._error(because("because-json-brace"), at)
            at = self._skip(at + 1)

    def _read_array(self, path: Path, at: int, depth: int) -> tuple[int, list[Any]]:
        members: list[Any] = []
        text = self._text
        at = self._skip(at + 1)
        if text.startswith("]", at):
            return at + 1, members
        while True:
            at, member = self._read((*path, len(members)), at, depth + 1)
            members.append(member)
            at = self._skip(at)
            if text.startswith("]", at):
                return at + 1, members
            if not text.startswith(",", at):
                raise self._error(because("because-json-bracket"), at)
            at = self._skip(at + 1)

    def _read_string(self, at: int) -> tuple[int, str]:
        match = _STRING.match(self._text, at)
        if match is None:
            raise self._error(because("because-json-string"), at)
        try:
            return match.end(), msgspec.json.decode(match[0].encode(), type=str)
        except (msgspec.DecodeError, UnicodeEncodeError):
            raise self._error(because("because-json-surrogate"), at) from None

    def _skip(self, at: int) -> int:
        match = _SPACE.match(self._text, at)
        return match.end() if match else at

    def _line_column(self, offset: int) -> tuple[int, int]:
        line = self._text.count("\n", 0, offset) + 1
        return line, offset - self._text.rfind("\n", 0, offset)

    def _error(self, reason: Reason, offset: int, issue_id: str = "json-syntax") -> JsonSyntaxError:
        return JsonSyntaxError(reason, *self._line_column(offset), issue_id=issue_id)
