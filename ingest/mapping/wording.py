"""The fates of fields, and why, in words of either language.

What a map gives as its reason is told in French as `mappings/reasons.fr.yaml` has it; a reason that only a
centre's own map gives is told as it is written there.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from fhir_server.model.issues import Language, because, texts
from ingest.mapping.accounting import (
    CONDITION_NOT_MET,
    DELIMITERS,
    FURTHER_REPETITION,
    NO_COMPONENT_LINE,
    NO_LINE,
    NO_SEGMENT_MAP,
)
from ingest.mapping.events import NO_LONGER
from ingest.mapping.identifiers import OTHER_NAME
from ingest.mapping.library import mappings_folder
from ingest.mapping.runs import ANOTHER_VALUE
from ingest.mapping.withdrawal import NOT_TOLD
from ingest.mapping.yaml_source import load_section

WORDS: Mapping[str, Mapping[Language, str]] = {
    "mapped": {"en": "mapped", "fr": "repris"},
    "kept": {"en": "kept", "fr": "conservé"},
    "rejected": {"en": "rejected", "fr": "écarté"},
    "held": {"en": "held", "fr": "en attente"},
    "error": {"en": "error", "fr": "erreur"},
    "warning": {"en": "warning", "fr": "avertissement"},
    "information": {"en": "information", "fr": "information"},
    "carried": {"en": " (kept with the Provenance)", "fr": " (conservé avec la Provenance)"},
    "if-none-has": {"en": "if none has", "fr": "si aucune n’a"},
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
    NO_LONGER: "l’événement dit que cela ne vaut plus",
    NOT_TOLD: "le compte rendu est annulé, et sa tumeur n’y est pas décrite à nouveau",
    OTHER_NAME: "un autre nom de l’autorité, dont le système figure déjà",
}

_FRENCH_FORMS: Sequence[tuple[re.Pattern[str], str]] = (
    (
        re.compile(r"table (\S+) has no line for this code"),
        r"la table \1 n’a pas de ligne pour ce code",
    ),
    (re.compile(r"incomplete: no (\S+) for (\S+)"), r"incomplet : pas de \1 pour \2"),
)
"""Reasons that name a table or an element."""


def word(name: str, language: Language) -> str:
    """A word of the explanation."""
    return WORDS[name][language]


def reason_text(reason: str, language: Language) -> str:
    """Why a field is kept or rejected."""
    known = f"because-{reason}"
    if known in texts():
        return because(known).text(language)
    return _french(reason) if language == "fr" else reason


def _french(reason: str) -> str:
    told = _FRENCH.get(reason) or french_reasons().get(reason)
    if told is not None:
        return told
    for form, french in _FRENCH_FORMS:
        if (match := form.fullmatch(reason)) is not None:
            return match.expand(french)
    return reason


@cache
def french_reasons() -> Mapping[str, str]:
    """The reasons of the maps that come with the server, in French. Cost: the file is read once."""
    root = mappings_folder()
    return load_section(root / "reasons.fr.yaml", root)
