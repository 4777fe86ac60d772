"""Primitive values: their JSON type, form and length.

Source: FHIR R4 §2.24.0.1, https://hl7.org/fhir/R4/datatypes.html#primitive, and ElementDefinition
maxLength
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from fhir_server.model.primitives import PRIMITIVES, Primitive, is_blank
from fhir_server.validation.element import Element
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.items import Item
from fhir_server.validation.report import shown
from fhir_server.validation.rules.bounds import explain_bounds, is_within_bounds
from fhir_server.validation.rules.uris import compile_uri, explain_uri

Form = Callable[[Any], Any]
"""Whether a value has the form of its type, as what is true or not; a check like others, which asks nobody.
"""

_LITERAL = re.compile(
    r"(?:true|false|-?(?:0|[1-9][0-9]{0,99})(?:\.[0-9]{1,99})?(?:[eE][+-]?[0-9]{1,3})?)\Z"
)
"""What is a boolean or a number once the quotation marks around it are taken away."""

_MAY_BE_BLANK = frozenset({"string", "markdown", "xhtml", "base64Binary"})


def compile_primitive(element: Element, type_code: str, *, silent: bool = False) -> Form:
    """The fast check of a primitive value."""
    forms = [_compile_form(PRIMITIVES[type_code])]
    if silent and type_code in _MAY_BE_BLANK:
        forms.append(lambda value: not value.isspace())
    forms.extend(compile_uri(element, type_code, silent=silent))
    length = element.definition.get("maxLength")
    if length is not None:
        forms.append(lambda value: type(value) is not str or len(value) <= length)
    shortest = element.minimum_length
    if shortest:
        forms.append(lambda value: len(str(value)) >= shortest)
    if element.bounds:
        forms.append(partial(is_within_bounds, element))
    return _all_of(forms)


def _compile_form(primitive: Primitive) -> Form:
    types, holds = primitive.python_types, primitive.holds
    if primitive.pattern is not None:
        # What is no text raises: as much as a no (`MISSHAPEN`).
        return primitive.pattern.fullmatch
    if len(types) == 1:
        only = types[0]
        return lambda value: type(value) is only and holds(value)
    return lambda value: type(value) in types and holds(value)


def _all_of(forms: Sequence[Form]) -> Form:
    if len(forms) == 1:
        return forms[0]
    if len(forms) == 2:
        first, second = forms
        return lambda value: first(value) and second(value)
    found = tuple(forms)
    return lambda value: all(form(value) for form in found)


def explain_primitive(element: Element, item: Item, case: Inspection) -> bool:
    """The detailed check; whether the value has the right JSON type, so that more can be said of it."""
    primitive, report = PRIMITIVES[item.type_code], case.report
    value = item.value
    if type(value) is Decimal and primitive.python_types == (int,):
        # 1.0 and 1e2 are numbers in JSON, but not how an integer is written (§2.24.0.1).
        report.error(
            "primitive-form", "invalid", item.location, element.profile,
            type=primitive.name, form=primitive.form, found=shown(str(value)),
        )  # fmt: skip
        return False
    if isinstance(value, str) and str not in primitive.python_types and not _LITERAL.match(value):
        # In XML every value is text; in JSON this one would be none of the type without its quotes either.
        report.error(
            "primitive-form", "invalid", item.location, element.profile,
            type=primitive.name, form=primitive.form, found=shown(value),
        )  # fmt: skip
        return False
    if type(value) not in primitive.python_types:
        report.error(
            "primitive-json-type", "invalid", item.location, element.profile,
            type=primitive.name, expected=primitive.json_type, found=_json_type(value),
        )  # fmt: skip
        return False
    if not primitive.holds(value):
        issue_id = "primitive-empty" if value == "" else "primitive-form"
        report.error(
            issue_id, "invalid", item.location, element.profile,
            type=primitive.name, form=primitive.form, found=shown(value),
        )  # fmt: skip
    elif isinstance(value, str) and is_blank(value):
        report.warning("primitive-blank", "invalid", item.location, element.profile)
    else:
        explain_uri(element, item, report)
    length = element.definition.get("maxLength")
    if length is not None and isinstance(value, str) and len(value) > length:
        report.error(
            "primitive-too-long", "too-long", item.location, element.profile,
            max=length, found=len(value),
        )  # fmt: skip
    if len(str(value)) < element.minimum_length:
        report.error(
            "primitive-too-short", "invalid", item.location, element.profile,
            min=element.minimum_length, found=len(str(value)),
        )  # fmt: skip
    explain_bounds(element, item, case)
    return True


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, Decimal)):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"
