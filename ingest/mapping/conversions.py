"""How a value becomes what a line's `as:` asks for: a primitive, a coded value, or a data type.

Shape: every conversion takes the context, the value, the component and subcomponent meant (0: the
whole value), and the element it is for; it gives the FHIR value, or None where there is nothing, and
writes each leaf it used into the ledger.
"""

from collections.abc import Callable
from typing import Any

from ingest.hl7v2.segment import NULL
from ingest.mapping.codes import CodeMap, Coding
from ingest.mapping.context import Context
from ingest.mapping.primitives import ReadPrimitive
from ingest.mapping.timestamps import UnreadableError
from ingest.mapping.view import View

Convert = Callable[[Context, View, int, int, str], Any]
Fill = Callable[[Context, View, dict[str, Any], str], None]


def primitive(read: ReadPrimitive) -> Convert:
    """A primitive value from one component."""

    def convert(
        context: Context, view: View, component: int, subcomponent: int, element: str
    ) -> Any:
        text = view.get(component, subcomponent)
        if text is None:
            return None
        if text == NULL:
            context.mapped(view.leaf(component, subcomponent), f"{element} (cleared)")
            return None
        try:
            value = read(text, context)
        except UnreadableError as fault:
            context.rejected(view, component, fault.reason, element)
            return None
        context.ledger.append((view.leaf(component, subcomponent), "mapped", element))
        return value

    return convert


def whole_text(
    context: Context, view: View, _component: int, _subcomponent: int, element: str
) -> str | None:
    """The whole repetition as one text, as ST, TX and FT need it."""
    text = view.as_text()
    if text is None or text == NULL or not text.strip():
        return None
    context.mapped(view.whole(), element)
    return text


def coded(code_map: CodeMap, form: str) -> Convert:
    """A code of a table as `code`, `Coding` or `CodeableConcept` of the map's target."""

    def convert(
        context: Context, view: View, component: int, subcomponent: int, element: str
    ) -> Any:
        text = view.get(component, subcomponent)
        if text is None or text == NULL:
            return None
        target = context.codes.translate(code_map, text, context.centre.id)
        if target is None:
            return _without_target(context, code_map, view, component, element)
        context.ledger.append((view.leaf(component, subcomponent), "mapped", element))
        if form == "code":
            return target.code
        return target.as_fhir() if form == "Coding" else {"coding": [target.as_fhir()]}

    return convert


def _without_target(
    context: Context, code_map: CodeMap, view: View, component: int, element: str
) -> None:
    code = view.get(component) or ""
    context.unmapped_code(code_map.table, code, element, hold=code_map.unmapped == "hold")
    leaf = view.leaf(component)
    if code_map.unmapped == "keep":
        context.kept(leaf, f"table {code_map.table} has no line for this code")
    else:
        context.ledger.append(
            (leaf, "rejected", f"table {code_map.table} has no line for this code")
        )


def datatype(fill: Fill, needs: tuple[str, ...]) -> Convert:
    """A FHIR data type from a whole value, or from a component whose parts are subcomponents.

    Shape: without one of the elements it `needs`, the value is left out and its leaves are kept.
    """

    def convert(
        context: Context, view: View, component: int, _subcomponent: int, element: str
    ) -> dict[str, Any] | None:
        inner = view.inner(component) if component else view
        value: dict[str, Any] = {}
        mark = len(context.ledger)
        fill(context, inner, value, element)
        missing = [name for name in needs if name not in value]
        if value and not missing:
            return value
        if missing:
            take_back(context, mark, f"incomplete: no {missing[0]} for {element}")
        return None

    return convert


def take_back(context: Context, mark: int, reason: str) -> None:
    """What was noted as mapped since the mark is not in the resource after all."""
    entries = context.ledger[mark:]
    context.ledger[mark:] = [
        (leaf, "kept" if kind == "mapped" else kind, reason if kind == "mapped" else text)
        for leaf, kind, text in entries
    ]


def concept(convert: Convert, code_map: CodeMap) -> Convert:
    """A CodeableConcept or Coding that must carry a code of the map's systems.

    Shape: a coding in an accepted system stays as it is; otherwise the first coding that the map (or
    the centre's own lines) translates gets its target in front. Codings of the sender are kept.
    """

    def convert_concept(
        context: Context, view: View, component: int, subcomponent: int, element: str
    ) -> Any:
        value = convert(context, view, component, subcomponent, element)
        if not value:
            return value
        codings = value.get("coding", [])
        accepted = [one for one in codings if one.get("system") in code_map.accept]
        if accepted:
            value["coding"] = accepted + [one for one in codings if one not in accepted]
            return value
        for coding in codings:
            target = context.codes.translate(code_map, coding.get("code", ""), context.centre.id)
            if target is not None:
                others = [one for one in codings if not _same(one, target)]
                value["coding"] = [target.as_fhir(), *others]
                return value
        code = next((one["code"] for one in codings if "code" in one), "")
        context.unmapped_code(code_map.table, code, element, hold=code_map.unmapped == "hold")
        return None if code_map.unmapped == "reject" else value

    return convert_concept


def _same(coding: dict[str, Any], target: Coding) -> bool:
    """Whether the sender's coding says no more than the target does."""
    if set(coding) == {"code"}:
        return True
    return coding.get("system") == target.system and coding.get("code") == target.code
