"""Strings as search compares them: without case, accents, hyphens, apostrophes and needless white space.

Source: FHIR R4 §3.1.1.4.8 (string), https://hl7.org/fhir/R4/search.html#string
"""

import unicodedata
from functools import lru_cache

PREFIX_LENGTH = 256
"""How much of a string is kept for prefixes and sorting. Units: characters."""
WINDOW_LENGTH = 2 * PREFIX_LENGTH
"""Longer strings are kept for `:contains` in windows of this size that overlap by half."""

_SHORT = 128

# Letters that Unicode does not decompose, and marks that users leave out or type in several ways.
_LETTERS = str.maketrans({
    "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "œ": "oe", "æ": "ae", "ı": "i",
    "-": " ", "'": " ", "’": " ", "‘": " ", "ʼ": " ", "`": " ", "´": " ",
    "‐": " ", "‑": " ", "‒": " ", "–": " ", "—": " ", "\x00": " ",
})  # fmt: skip


def fold(text: str) -> str:
    """The form that is compared. Cost: short texts are remembered, since displays and names come again."""
    return _fold_short(text) if len(text) <= _SHORT else _fold(text)


@lru_cache(maxsize=1024)
def _fold_short(text: str) -> str:
    return _fold(text)


def _fold(text: str) -> str:
    if not text.isascii():
        # Marks go before the case is folded and again after: some letters fold to letter and mark.
        text = _without_marks(_without_marks(text).casefold())
    return " ".join(text.lower().translate(_LETTERS).split())


def windows(folded: str) -> list[str]:
    """Overlapping parts of a long string: whatever is not longer than PREFIX_LENGTH stands in one whole."""
    return [
        folded[start : start + WINDOW_LENGTH]
        for start in range(0, max(1, len(folded) - PREFIX_LENGTH), PREFIX_LENGTH)
    ]


def _without_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
