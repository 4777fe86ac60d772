"""Conditional reads: whether the client has the version that it would be sent.

Source: https://hl7.org/fhir/R4/http.html#cread; RFC 9110 §13.2.2 (If-None-Match comes first)
"""

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.conditions import entity_tags
from fhir_server.interactions.entries import Entry
from fhir_server.model.dates import instant_range, instant_us
from fhir_server.model.issues import refuse


def names_version(tags: str, version: int) -> bool:
    """Whether If-None-Match names the version, or any. A header of another form names none."""
    named = entity_tags(tags)
    return named is not None and named.name(version)


def is_known(entry: Entry, answer: Answer) -> bool:
    """Whether the entry of a Bundle says that its sender has this version. Errors: Refused 400."""
    if answer.stored is None:
        return False
    if isinstance(entry.if_none_match, str):
        return names_version(entry.if_none_match, answer.stored.version)
    if entry.if_modified_since is None:
        return False
    try:
        since = instant_range(str(entry.if_modified_since))
    except ValueError:
        raise refuse(400, "parameter-invalid", "value", f"{entry.at}.request.ifModifiedSince",
                     name="ifModifiedSince", expected="2026-01-31T12:00:00.000Z") from None  # fmt: skip
    # Times are shown with milliseconds, and stored with microseconds.
    return instant_us(answer.stored.updated) // 1000 <= since.low // 1000
