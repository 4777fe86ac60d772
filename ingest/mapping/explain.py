"""A mapping told to a person: what came in, what it becomes, and the fate of every field.

Shape: text or JSON. The text shows values of the message, for the eyes of who maps it only; fates and
reasons never hold one.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from fhir_server.model.issues import Language
from fhir_server.model.json_source import encode_json
from ingest.hl7v2 import Message
from ingest.mapping.result import Fate, FateKind, MappingResult
from ingest.mapping.wording import reason_text, word


def explain_text(message: Message, result: MappingResult, language: Language) -> Iterator[str]:
    """The lines of the explanation."""
    yield f"{message.type}^{message.trigger} {message.control_id or ''} · {result.centre or '?'}"
    yield ""
    for segment in message.segments:
        yield segment.raw.decode(message.codec, errors="replace")
    yield ""
    for issue in (*result.held, *result.issues):
        kind = word("held" if issue in result.held else issue.severity, language)
        yield f"{kind}: {issue.id} {issue.expression}".rstrip()
        yield f"  {issue.text(language)}"
        if hint := issue.hint(language):
            yield f"  {hint}"
    yield from _resources(result, language)
    yield ""
    yield from _fates(result.fates, language)


def _resources(result: MappingResult, language: Language) -> Iterator[str]:
    requests = [entry["request"] for entry in (result.bundle or {}).get("entry", ())]
    for number, resource in enumerate(result.resources):
        yield ""
        if number < len(requests):
            request = requests[number]
            condition = request.get("ifNoneExist")
            yield f"{request['method']} {request['url']}" + (
                f" {word('if-none-has', language)} {condition}" if condition else ""
            )
        else:
            yield f"{word('not-written', language)}: {resource['resourceType']}"
        yield pretty_json(resource)


def _fates(fates: tuple[Fate, ...], language: Language) -> Iterator[str]:
    width = max((len(fate.path) for fate in fates), default=0)
    for fate in fates:
        mapped = fate.kind == "mapped"
        told = ", ".join(fate.targets) if mapped else reason_text(fate.reason, language)
        if fate.carried:
            told += word("carried", language)
        yield f"{fate.path:{width}}  {word(fate.kind, language):8}  {told}"
    counts = Counter(fate.kind for fate in fates)
    yield ""
    kinds: tuple[FateKind, ...] = ("mapped", "kept", "rejected")
    yield ", ".join(f"{counts[kind]} {word(kind, language)}" for kind in kinds)


def pretty_json(value: Any) -> str:
    """JSON for reading, numbers as they were sent."""
    return msgspec.json.format(encode_json(value), indent=2).decode()


def explain_json(message: Message, result: MappingResult, language: Language) -> dict[str, Any]:
    """The same for programs."""
    return {
        "type": f"{message.type}^{message.trigger}",
        "controlId": message.control_id,
        "centre": result.centre,
        "held": [
            {"id": i.id, "expression": i.expression, "text": i.text(language)} for i in result.held
        ],
        "issues": [
            {"id": i.id, "expression": i.expression, "text": i.text(language)}
            for i in result.issues
        ],
        "bundle": result.bundle,
        "resources": list(result.resources),
        "fates": [
            {
                "path": f.path,
                "kind": f.kind,
                "targets": list(f.targets),
                "reason": reason_text(f.reason, language),
                "carried": f.carried,
            }
            for f in result.fates
        ],
    }
