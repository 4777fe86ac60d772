"""Texts of a resource in the language of the page.

Source: http://hl7.org/fhir/StructureDefinition/translation, beside the element as `_element`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_server.model.issues import Language

TRANSLATION = "http://hl7.org/fhir/StructureDefinition/translation"


@dataclass(frozen=True, slots=True)
class Text:
    """A text and the language it is in, which is not always that of the page."""

    content: str
    language: Language

    def __bool__(self) -> bool:
        """Whether there is any text."""
        return bool(self.content)


def text_of(node: Mapping[str, Any], name: str, language: Language) -> Text:
    """The text of an element, in the language where there is one in it, else in English."""
    content = str(node.get(name, ""))
    if language != "en":
        for extension in node.get(f"_{name}", {}).get("extension", ()):
            if extension.get("url") == TRANSLATION:
                parts = {part["url"]: part for part in extension["extension"]}
                if parts["lang"].get("valueCode") == language:
                    return Text(str(parts["content"]["valueString"]), language)
    return Text(content, "en")


def display_of(concept: Mapping[str, Any], language: Language) -> Text:
    """The display of a concept, its designation where there is one in the language."""
    for designation in concept.get("designation", ()):
        if designation.get("language") == language:
            return Text(str(designation["value"]), language)
    return Text(str(concept.get("display", "")), "en")
