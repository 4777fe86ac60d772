"""What the pages say beside the package's own texts (`texts.yaml`), in one language."""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from fhir_server.model.issues import Language


@cache
def texts_in(language: Language) -> Mapping[str, Any]:
    """The texts by their names."""
    content = yaml.safe_load(
        resources.files(__package__).joinpath("texts.yaml").read_text(encoding="utf-8")
    )
    found: Mapping[str, Any] = _in_language(content, language)
    return found


def _in_language(node: Any, language: Language) -> Any:
    if isinstance(node, dict) and set(node) == {"en", "fr"}:
        return node[language]
    if isinstance(node, dict):
        return {name: _in_language(value, language) for name, value in node.items()}
    return node
