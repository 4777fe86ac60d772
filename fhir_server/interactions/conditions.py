"""Conditions on the version of a resource: what If-Match and If-None-Match name.

Source: https://hl7.org/fhir/R4/http.html#concurrency; RFC 9110 §8.8.3 (entity tags), §13.1
"""

import re
from dataclasses import dataclass
from typing import Any

from fhir_server.model.issues import refuse

_TAG = r'(?:W/)?"([^"\x00-\x20\x7f]*)"'
_TAGS = re.compile(rf"\s*{_TAG}\s*(?:,\s*{_TAG}\s*)*")


@dataclass(frozen=True, slots=True)
class EntityTags:
    """Versions by their tags, weak and strong alike. Shape: `versions` is None for `*`, any of them."""

    versions: frozenset[str] | None

    def name(self, version: int) -> bool:
        """Whether this version is among them."""
        return self.versions is None or str(version) in self.versions

    def __str__(self) -> str:
        return "*" if self.versions is None else ", ".join(sorted(self.versions))


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a write asks of the current version: to be one of these, and none of those."""

    if_match: EntityTags | None = None
    if_none_match: EntityTags | None = None


UNCONDITIONAL = Conditions()


def entity_tags(value: str) -> EntityTags | None:
    """The tags of a header; None where it has another form."""
    if value.strip() == "*":
        return EntityTags(None)
    if _TAGS.fullmatch(value) is None:
        return None
    return EntityTags(frozenset(re.findall(_TAG, value)))


def parse_entity_tags(value: Any, expression: str) -> EntityTags | None:
    """The tags that a condition names, `W/"3"`, several or `*`; None where there is no condition.

    Errors: Refused 400 for any other form.
    """
    if value is None:
        return None
    tags = entity_tags(value) if isinstance(value, str) else None
    if tags is None:
        raise refuse(400, "etag-invalid", "value", expression)
    return tags
