"""The names of a `let:` section: what a code map or a function gives for a field."""

from ingest.hl7v2.segment import Part, Segment
from ingest.mapping.codes import CodeMap
from ingest.mapping.context import Context, ReadName
from ingest.mapping.functions import Compute
from ingest.mapping.places import FieldPlace

MOST = 4096
LONGEST = 512
"""How many fields are remembered, and bytes of one."""


def computed_name(place: FieldPlace, compute: Compute) -> ReadName:
    """A name that a function computes. Cost: once for each segment of a message."""
    segment, number = place.segment, place.field
    rule = hash((place, compute))

    def read(context: Context) -> str | None:
        own = context.current.get(segment)
        key = (rule, own.index if own is not None else -1)
        if key not in context.named:
            context.named[key] = compute(context, context.views(segment, number), "")
        return context.named[key]

    return read


def coded_name(place: FieldPlace, code_map: CodeMap) -> ReadName:
    """A name that a code map translates, from either coding of the field's first value.

    Cost: translated once for the same bytes, read alike, of a centre; questions are always the same.
    """
    segment, number = place.segment, place.field
    rule = hash((place, code_map.name))
    known: dict[tuple[Part, int, str], str | None] = {}

    def read(context: Context) -> str | None:
        own = context.current.get(segment)
        if own is None:
            return None
        key = (rule, own.index)
        if key not in context.named:
            context.named[key] = code_in(context, own)
        return context.named[key]

    def code_in(context: Context, own: Segment) -> str | None:
        raw = own.fields[number] if number < len(own.fields) else b""
        if len(raw) > LONGEST:
            return _code_of(context, place, code_map)
        key = (raw, id(own.message.syntax), context.centre.id)
        if key not in known:
            if len(known) >= MOST:
                known.clear()
            known[key] = _code_of(context, place, code_map)
        return known[key]

    return read


def _code_of(context: Context, place: FieldPlace, code_map: CodeMap) -> str | None:
    for view in context.views(place.segment, place.field)[:1]:
        for component in (1, 4):
            text = view.get(component)
            target = text and context.codes.translate(code_map, text, context.centre.id)
            if target:
                return target.code
    return None
