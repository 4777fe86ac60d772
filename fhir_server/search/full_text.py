"""`_text` and `_content`: the words of a resource, as PostgreSQL's full text search holds them.

Words are made here and not by a configuration of PostgreSQL, so that an index and a query agree on any
server: folded as strings are (no case, no accents), in no language, without stemming or stop words
(decision 21). A word of the narrative stands a second time with a mark; words have no positions.

Source: FHIR R4 §3.1.1.4.20 `_text`, `_content`, https://hl7.org/fhir/R4/search.html#text
"""

import re
from functools import lru_cache
from html import unescape as unescape_html
from typing import Any

from fhir_server.search.folding import fold

MAX_WORDS = 10_000
"""How many different words of a resource are kept."""
MAX_BYTES = 900_000
"""How much of them; a tsvector holds one megabyte."""
MAX_WORD_LENGTH = 48
"""Longer words are cut. Units: characters."""
_MOST_BYTES = 5
"""How many bytes a character of a word may take, with its share of the mark."""

NARRATIVE = ">"
"""Stands before the words of the narrative."""

# What is no text: links, ids, and encoded content.
_SKIPPED = frozenset({
    "resourceType", "id", "reference", "url", "system", "profile", "versionId", "lastUpdated", "data",
    "hash", "contentType", "div", "language", "source", "fullUrl", "instantiatesCanonical",
    "instantiatesUri", "implicitRules", "valueBase64Binary", "linkId", "definition", "sourceAttachment",
})  # fmt: skip
_MOMENT = re.compile(r"\d{4}(?:-\d\d){0,2}(?:T\S*)?|\d\d:\d\d:\d\d\S*", re.ASCII)
_LINK = re.compile(r"[a-z][a-z0-9+.-]*://\S*|urn:\S*", re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"\w+")
_SHORT = 128
_TERM = re.compile(r'(-?)(?:"([^"]*)"|([^\s"]+))')


def text_vector(resource: dict[str, Any]) -> str:
    """The words of a resource as a tsvector in the form in which PostgreSQL writes it; may be empty."""
    narrative: set[str] = set()
    text = resource.get("text")
    if isinstance(text, dict) and isinstance(text.get("div"), str):
        narrative.update(narrative_words(text["div"]))
    found = narrative | _words_of(resource)
    found.update(NARRATIVE + word for word in narrative)
    kept = sorted(found)[:MAX_WORDS]
    if len(kept) * MAX_WORD_LENGTH * _MOST_BYTES > MAX_BYTES:
        kept = _within(kept, MAX_BYTES)
    return "'" + "' '".join(kept) + "'" if kept else ""


def _within(kept: list[str], room: int) -> list[str]:
    """The first words, as many as fit."""
    for number, word in enumerate(kept):
        room -= len(word.encode())
        if room < 0:
            return kept[:number]
    return kept


def narrative_words(div: str) -> set[str]:
    """The words of XHTML, without its tags."""
    return set(words(unescape_html(_TAG.sub(" ", div))))


def words(text: str) -> tuple[str, ...]:
    """The words of a text, as they are compared."""
    return tuple(word[:MAX_WORD_LENGTH] for word in _WORD.findall(fold(text)))


def _words_of(resource: dict[str, Any]) -> set[str]:
    """The words of all texts, up to a little more than MAX_WORDS."""
    # In their order, so that the words beyond the bound are always the same.
    texts: dict[str, None] = {}
    _gather(resource, texts)
    found: set[str] = set()
    for text in texts:
        found.update(_words_of_short(text) if len(text) <= _SHORT else _words_of_text(text))
        if len(found) >= MAX_WORDS:
            break
    return found


def _gather(node: dict[str, Any], texts: dict[str, None]) -> None:
    """Collect the texts of an object, each once."""
    for name, value in node.items():
        if name in _SKIPPED:
            continue
        kind = type(value)
        if kind is str:
            texts[value] = None
        elif kind is dict:
            _gather(value, texts)
        elif kind is list:
            for member in value:
                kind = type(member)
                if kind is dict:
                    _gather(member, texts)
                elif kind is str:
                    texts[member] = None


def _words_of_text(value: str) -> tuple[str, ...]:
    """The words of a string that may be a date or a link: those have none."""
    is_text = _MOMENT.fullmatch(value) is None and _LINK.fullmatch(value) is None
    return words(value) if is_text else ()


@lru_cache(maxsize=2048)
def _words_of_short(value: str) -> tuple[str, ...]:
    """The same for what comes again: displays, names of places and persons."""
    return _words_of_text(value)


def text_query(value: str, *, narrative: bool) -> str | None:
    """A search as a tsquery: words that must all occur, `OR` between alternatives, `-` before what must
    not occur, `*` after the beginning of a word. None where there is no word.

    Shape: what stands in quotes is several words, wherever they stand.
    """
    alternatives: list[list[str]] = [[]]
    is_negated = False
    for sign, quoted, plain in _TERM.findall(value):
        if not sign and plain in {"AND", "OR", "NOT"}:
            if plain == "OR" and alternatives[-1]:
                alternatives.append([])
            is_negated = plain == "NOT"
            continue
        term = _all_of(quoted or plain, narrative=narrative)
        if term is not None:
            alternatives[-1].append(f"!{term}" if sign or is_negated else term)
        is_negated = False
    found = ["(" + " & ".join(terms) + ")" for terms in alternatives if terms]
    return " | ".join(found) or None


def _all_of(text: str, *, narrative: bool) -> str | None:
    found = words(text)
    if not found:
        return None
    start = NARRATIVE if narrative else ""
    terms = " & ".join(f"'{start}{word}'" for word in found)
    return f"({terms}{':*' if text.endswith('*') else ''})"
