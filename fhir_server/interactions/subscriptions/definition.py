"""A Subscription understood: which events it is about, where they go and in which form.

Two kinds are taken. The plain one of R4 has a search as its criteria; the topic-based one of R5, as HL7
brings it to R4, has the canonical URL of a topic there, with filters and options in extensions.

Source: https://hl7.org/fhir/R4/subscription.html,
https://hl7.org/fhir/uv/subscriptions-backport/components.html
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast
from urllib.parse import parse_qsl

from msgspec import structs

from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.subscriptions.endpoints import is_allowed, is_endpoint
from fhir_server.interactions.subscriptions.topics import Topic, topics
from fhir_server.model.issues import Issue, Refused, error
from fhir_server.search.request import SearchRequest, parse_search
from fhir_server.store.resource_types import TYPE_NUMBERS
from fhir_server.store.subscriptions import Trigger

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
Content = Literal["empty", "id-only", "full-resource"]
CONTENTS: Sequence[Content] = ("empty", "id-only", "full-resource")
PAYLOADS = ("application/fhir+json", "application/fhir+xml")
MOST_FILTERS = 20

_HEADER = re.compile(
    r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?)?"
)
_OURS = frozenset({
    "connection", "content-encoding", "content-length", "content-type", "expect", "host", "te", "trailer",
    "transfer-encoding", "upgrade",
})  # fmt: skip
_CANONICAL = re.compile(r"(https?|urn):\S+")
_RESULT_PARAMETERS = frozenset({
    "_count", "_cursor", "_elements", "_format", "_include", "_pretty", "_revinclude", "_sort", "_summary",
    "_total", "_type",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Definition:
    """What a Subscription asks for.

    Shape: `topic` the canonical URL, None for the plain kind; `payload` the media type, None for
    notifications without content.
    """

    triggers: tuple[Trigger, ...]
    endpoint: str
    headers: tuple[tuple[str, str], ...]
    payload: str | None
    topic: str | None = None
    content: Content = "full-resource"
    heartbeat_s: int | None = None
    timeout_s: int | None = None
    max_count: int | None = None
    ends: datetime | None = None


def read_definition(
    server: FhirServer, resource: Mapping[str, Any]
) -> tuple[Definition, list[Issue]]:
    """The definition, and what is wrong with it. Shape: the resource conforms to R4 otherwise."""
    issues: list[Issue] = []
    criteria = str(resource.get("criteria", "")).strip()
    channel = _dict(resource.get("channel"))
    topic = criteria if _CANONICAL.fullmatch(criteria) else None
    if topic is not None:
        triggers = _topic_triggers(server, resource, topic, issues)
    else:
        triggers = (Trigger(criteria, ("create", "update")),)
        issues.extend(_query_issues(server, criteria, "Subscription.criteria"))
    _check_channel(server, channel, issues)
    definition = Definition(
        triggers=triggers,
        endpoint=str(channel.get("endpoint", "")),
        headers=tuple(_headers(channel, issues)),
        payload=_payload(channel, issues),
        topic=topic,
        content=_content(channel, topic, issues),
        heartbeat_s=_number(channel, "backport-heartbeat-period", "valueUnsignedInt"),
        timeout_s=_number(channel, "backport-timeout", "valueUnsignedInt"),
        max_count=_number(channel, "backport-max-count", "valuePositiveInt"),
        ends=_ends(resource),
    )
    return definition, issues


def has_ended(resource: Mapping[str, Any]) -> bool:
    """Whether its `end` has passed: it sends nothing, asks for nothing, and is kept as it came."""
    ends = _ends(resource)
    return ends is not None and ends.tzinfo is not None and ends <= datetime.now(UTC)


def parse_trigger(server: FhirServer, query: str) -> SearchRequest:
    """The search of a trigger, `Type?criteria`. Errors: Refused 400 as a search."""
    resource_type, _, criteria = query.partition("?")
    pairs = parse_qsl(criteria, keep_blank_values=True)
    return parse_search(
        server.parameters, resource_type, pairs, lenient=False, base_url=server.base_url
    )


def _query_issues(server: FhirServer, query: str, expression: str) -> Iterator[Issue]:
    resource_type, _, criteria = query.partition("?")
    if resource_type not in TYPE_NUMBERS or resource_type == "Subscription":
        yield error("subscription-criteria-type", "not-supported", expression,
                    type=resource_type[:64])  # fmt: skip
        return
    names = {name.partition(":")[0] for name, _ in parse_qsl(criteria, keep_blank_values=True)}
    for name in sorted(names & _RESULT_PARAMETERS):
        yield error("subscription-criteria-result", "invalid", expression, name=name)
    try:
        parse_trigger(server, query)
    except Refused as refused:
        for issue in refused.issues:
            yield error("subscription-criteria", issue.code, expression, reason=issue)
            yield structs.replace(issue, expression=expression)


def _topic_triggers(
    server: FhirServer, resource: Mapping[str, Any], url: str, issues: list[Issue]
) -> tuple[Trigger, ...]:
    """The triggers of the topic, each narrowed by the filters that are about its type."""
    topic = topics().get(url.partition("|")[0])
    if topic is None:
        known = ", ".join(topics())
        issues.append(
            error("subscription-topic", "not-found", "Subscription.criteria", known=known)
        )
        return ()
    filters = list(_filters(resource, topic, issues))
    narrowed: list[Trigger] = []
    for trigger in topic.triggers:
        parts = [query for kind, query in filters if kind in {"", trigger.type}]
        criteria = "&".join(part for part in [trigger.query.partition("?")[2], *parts] if part)
        narrowed.append(Trigger(f"{trigger.type}?{criteria}", trigger.methods))
        place = "Subscription.criteria.extension" if parts else "Subscription.criteria"
        issues.extend(_query_issues(server, narrowed[-1].query, place))
    return tuple(narrowed)


def _filters(
    resource: Mapping[str, Any], topic: Topic, issues: list[Issue]
) -> Iterator[tuple[str, str]]:
    """The filters as type (empty for every one) and query: `Encounter?patient=…` or `patient=…`."""
    types = {trigger.type for trigger in topic.triggers}
    found = _extensions(resource.get("_criteria"), "backport-filter-criteria")
    if len(found) > MOST_FILTERS:
        issues.append(error("subscription-filters", "too-costly", "Subscription.criteria.extension",
                            max=MOST_FILTERS))  # fmt: skip
        return
    for extension in found:
        text = str(extension.get("valueString", ""))
        kind, mark, query = text.partition("?")
        if not mark:
            kind, query = "", text
        if kind and kind not in types:
            place = "Subscription.criteria.extension"
            issues.append(error("subscription-filter-type", "invalid", place,
                                type=kind[:64], allowed=", ".join(sorted(types))))  # fmt: skip
        yield kind, query


def _check_channel(server: FhirServer, channel: Mapping[str, Any], issues: list[Issue]) -> None:
    if channel.get("type") != "rest-hook" or _extensions(
        channel.get("_type"), "backport-channel-type"
    ):
        issues.append(error("subscription-channel", "not-supported", "Subscription.channel.type"))
    endpoint = str(channel.get("endpoint", ""))
    if not is_endpoint(endpoint):
        issues.append(error("subscription-endpoint", "value", "Subscription.channel.endpoint"))
    elif not is_allowed(server.settings, endpoint):
        issues.append(error("subscription-endpoint-forbidden", "forbidden",
                            "Subscription.channel.endpoint"))  # fmt: skip


def _headers(channel: Mapping[str, Any], issues: list[Issue]) -> Iterator[tuple[str, str]]:
    listed = channel.get("header")
    for position, header in enumerate(listed if isinstance(listed, list) else ()):
        match = _HEADER.fullmatch(header) if isinstance(header, str) else None
        if match is None or match[1].lower() in _OURS:
            place = f"Subscription.channel.header[{position}]"
            issues.append(error("subscription-header", "value", place))
            continue
        yield match[1], match[2] or ""


def _payload(channel: Mapping[str, Any], issues: list[Issue]) -> str | None:
    payload = channel.get("payload")
    if payload is None:
        return None
    media_type = str(payload).partition(";")[0].strip().lower()
    media_type = {"application/json": PAYLOADS[0], "application/xml": PAYLOADS[1]}.get(
        media_type, media_type
    )
    if media_type not in PAYLOADS:
        allowed = ", ".join(PAYLOADS)
        issues.append(error("subscription-payload", "not-supported", "Subscription.channel.payload",
                            allowed=allowed))  # fmt: skip
    return media_type


def _content(channel: Mapping[str, Any], topic: str | None, issues: list[Issue]) -> Content:
    if topic is None:
        return "full-resource"
    found = _extensions(channel.get("_payload"), "backport-payload-content")
    value = found[0].get("valueCode") if len(found) == 1 else None
    if value not in CONTENTS or channel.get("payload") is None:
        issues.append(error("subscription-content", "required", "Subscription.channel.payload",
                            allowed=", ".join(CONTENTS)))  # fmt: skip
        return "empty"
    return cast("Content", value)


def _ends(resource: Mapping[str, Any]) -> datetime | None:
    text = resource.get("end")
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _number(channel: Mapping[str, Any], name: str, member: str) -> int | None:
    found = _extensions(channel, name)
    value = found[0].get(member) if found else None
    return value if isinstance(value, int) and value > 0 else None


def _extensions(element: Any, name: str) -> list[dict[str, Any]]:
    listed = _dict(element).get("extension")
    members = listed if isinstance(listed, list) else []
    return [one for one in members if isinstance(one, dict) and one.get("url") == BACKPORT + name]


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
