"""The fates of fields, and why, in words of either language.

What a map gives as its reason is told as it is written there.
"""

from collections.abc import Mapping

from fhir_server.model.issues import Language, because, texts
from ingest.mapping.accounting import (
    CONDITION_NOT_MET,
    DELIMITERS,
    FURTHER_REPETITION,
    NO_COMPONENT_LINE,
    NO_LINE,
    NO_SEGMENT_MAP,
)
from ingest.mapping.runs import ANOTHER_VALUE

WORDS: Mapping[str, Mapping[Language, str]] = {
    "mapped": {"en": "mapped", "fr": "repris"},
    "kept": {"en": "kept", "fr": "conservé"},
    "rejected": {"en": "rejected", "fr": "écarté"},
    "held": {"en": "held", "fr": "en attente"},
    "error": {"en": "error", "fr": "erreur"},
    "warning": {"en": "warning", "fr": "avertissement"},
    "information": {"en": "information", "fr": "information"},
    "carried": {"en": " (kept with the Provenance)", "fr": " (conservé avec la Provenance)"},
    "not-written": {"en": "not written", "fr": "non enregistré"},
}

_FRENCH: Mapping[str, str] = {
    NO_SEGMENT_MAP: "aucune table de correspondance ne lit ce segment dans ce message",
    NO_LINE: "aucune ligne des tables ne lit ce champ",
    NO_COMPONENT_LINE: "l’élément n’a pas de place pour ce composant",
    FURTHER_REPETITION: "l’élément ne prend qu’une valeur, la première",
    CONDITION_NOT_MET: "les conditions des lignes qui lisent ce champ ne sont pas remplies",
    DELIMITERS: "dit comment le message est écrit",
    ANOTHER_VALUE: "l’élément porte une autre valeur, venue avant",
}


def word(name: str, language: Language) -> str:
    """A word of the explanation."""
    return WORDS[name][language]


def reason_text(reason: str, language: Language) -> str:
    """Why a field is kept or rejected."""
    known = f"because-{reason}"
    if known in texts():
        return because(known).text(language)
    return _FRENCH.get(reason, reason) if language == "fr" else reason
