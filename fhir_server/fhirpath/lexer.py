"""Lexer: the text of an expression → tokens.

Source: FHIRPath N1, appendix B, lexical elements: http://hl7.org/fhirpath/N1/#tokens
"""

import re
from dataclasses import dataclass
from typing import Literal

from fhir_server.fhirpath.errors import syntax_error

TokenKind = Literal[
    "identifier", "delimited", "string", "number", "date", "datetime", "time", "symbol", "end"
]

MAX_LENGTH = 50_000
"""Longest expression that is read, in characters; the longest of R4 has 3,400."""


@dataclass(frozen=True, slots=True)
class Token:
    """One token: `text` is the decoded value of strings and delimited identifiers."""

    kind: TokenKind
    text: str
    position: int


_TIME = r"[0-9]{2}(?::[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?)?"
_ZONE = r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
_DATE = r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?"
_TOKEN = re.compile(
    rf"""
      (?P<skip>(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)+)
    | @(?P<time>T{_TIME})
    | @(?P<datetime>{_DATE}T(?:{_TIME}{_ZONE}?)?)
    | @(?P<date>{_DATE})
    | (?P<number>[0-9]+(?:\.[0-9]+)?)
    | (?P<identifier>[A-Za-z_][A-Za-z0-9_]*)
    | '(?P<string>(?:[^'\\]|\\.)*)'
    | `(?P<delimited>(?:[^`\\]|\\.)*)`
    | (?P<symbol>\$this|\$index|\$total|!=|!~|<=|>=|[-+*/&|<>=~.,()\[\]{{}}%])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_SURROGATE_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED = {
    "'": "'", '"': '"', "`": "`", "\\": "\\", "/": "/",
    "f": "\f", "n": "\n", "r": "\r", "t": "\t",
}  # fmt: skip


def tokenize(source: str) -> list[Token]:
    """The tokens of an expression, closed by one of kind `end`. Errors: FHIRPathError."""
    if len(source) > MAX_LENGTH:
        raise syntax_error("fhirpath-too-long", source, MAX_LENGTH, most=MAX_LENGTH)
    tokens: list[Token] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise _unreadable(source, at)
        kind = match.lastgroup
        if kind != "skip":
            text = match[kind]  # type: ignore[index]  # every alternative is a named group
            if kind in {"string", "delimited"}:
                text = _decoded(text, source, at + 1)
            tokens.append(Token(kind, text, at))  # type: ignore[arg-type]  # the group names are the kinds
        at = match.end()
    tokens.append(Token("end", "", len(source)))
    return tokens


def _decoded(text: str, source: str, start: int) -> str:
    """The text that stands between the quotation marks. Half of a surrogate pair is no character: nothing
    could be written with it.
    """
    if "\\" in text:
        text = _SURROGATE_PAIR.sub(_joined, _unescape(text, source, start))
    if not text.isascii() and _SURROGATE.search(text):
        _bad_escape(source, start)
    return text


def _joined(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16", "surrogatepass").decode("utf-16")


def _unescape(text: str, source: str, start: int) -> str:
    def replace(match: re.Match[str]) -> str:
        escaped = match[1]
        if len(escaped) == 5:
            return chr(int(escaped[1:], 16))
        if escaped not in _ESCAPED:
            # Invariants of R4 (eld-16, eld-19, eld-20) escape characters that need none; the
            # published expressions must stay readable, so such an escape stands for the character.
            return escaped if escaped != "u" else _bad_escape(source, start + match.start())
        return _ESCAPED[escaped]

    return _ESCAPE.sub(replace, text)


def _bad_escape(source: str, position: int) -> str:
    raise syntax_error("fhirpath-bad-escape", source, position, ("\\u00e9",))


def _unreadable(source: str, at: int) -> Exception:
    if source.startswith("/*", at):
        return syntax_error("fhirpath-no-end", source, at, ("*/",))
    if source[at] in "'`":
        return syntax_error("fhirpath-no-end", source, at, (source[at],))
    if source[at] == "@":
        return syntax_error("fhirpath-bad-date", source, at, ("@2015-02-04", "@T14:34"))
    return syntax_error("fhirpath-bad-character", source, at, found=source[at])
