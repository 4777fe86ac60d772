"""The names of a `let:` section: what a code map or a function gives for a field."""

from ingest.mapping.codes import CodeMap
from ingest.mapping.context import Context, ReadName
from ingest.mapping.functions import Compute
from ingest.mapping.places import FieldPlace


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

    Cost: translated once for each segment of a message.
    """
    segment, number = place.segment, place.field
    rule = hash((place, code_map.name))

    def read(context: Context) -> str | None:
        own = context.current.get(segment)
        if own is None:
            return None
        key = (rule, own.index)
        if key not in context.named:
            context.named[key] = code_of(context)
        return context.named[key]

    def code_of(context: Context) -> str | None:
        for view in context.views(segment, number)[:1]:
            for component in (1, 4):
                text = view.get(component)
                target = text and context.codes.translate(code_map, text, context.centre.id)
                if target:
                    return target.code
        return None

    return read
