"""The display of a concept in a language, and the comparison of displays.

Source: BCP 47 (RFC 4647 §3.4, look-up): `fr-FR` is satisfied by `fr`, and `fr` by `fr-FR`.
"""

import unicodedata

from fhir_server.terminology.code_system import Concept


def display_in(concept: Concept, language: str | None) -> str | None:
    """The display in a language, the system's own where it has none in that language."""
    if language is None:
        return concept.display
    wanted = language.lower()
    primary = wanted.partition("-")[0]
    near: str | None = None
    for tag, text in concept.designations_by_language.items():
        if tag.lower() == wanted:
            return text
        if near is None and tag.lower().partition("-")[0] == primary:
            near = text
    return near or concept.display


def alike(text: str) -> str:
    """A display as it is compared: case and runs of spaces do not count."""
    return " ".join(text.split()).casefold()


def searchable(text: str) -> str:
    """A text as it is searched: without accents, too."""
    if text.isascii():
        return text.casefold()
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
