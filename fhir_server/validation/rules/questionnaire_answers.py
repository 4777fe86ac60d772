"""Answers of a QuestionnaireResponse: their type, options, value set and the bounds the question sets.

Source: FHIR R4 Questionnaire.item.type, https://hl7.org/fhir/R4/valueset-item-type.html, and the
extensions of Questionnaire, https://hl7.org/fhir/R4/questionnaire-profiles.html
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from fhir_server.fhirpath import FHIRPathError
from fhir_server.fhirpath.regex import search
from fhir_server.model.issues import Severity
from fhir_server.validation.inspection import Inspection
from fhir_server.validation.report import shown
from fhir_server.validation.rules.bounds import order_of
from fhir_server.validation.rules.fixed import matches
from fhir_server.validation.scope import referenced_type

_BASE = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
_TYPES = {
    "boolean": {"Boolean"}, "decimal": {"Decimal"}, "integer": {"Integer"}, "date": {"Date"},
    "dateTime": {"DateTime"}, "time": {"Time"}, "string": {"String"}, "text": {"String"}, "url": {"Uri"},
    "choice": {"Coding"}, "open-choice": {"Coding", "String"}, "attachment": {"Attachment"},
    "reference": {"Reference"}, "quantity": {"Quantity"},
}  # fmt: skip
_PATTERN_NOT_CHECKED = "questionnaire-pattern-not-checked"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[^\s]+")
_UUID_URL = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

Fault = tuple[str, str, dict[str, Any]]
"""Issue id, FHIR code, parameters."""


def explain_answers(
    definition: dict[str, Any],
    answers: list[dict[str, Any]],
    place: str,
    case: Inspection,
    questionnaire: dict[str, Any],
) -> None:
    """The detailed check of all answers to one question."""
    url = questionnaire.get("url")
    for index, answer in enumerate(answers):
        key = next((k for k in answer if k.startswith("value")), None)
        if key is None:
            continue
        at = f"{place}.answer[{index}]"
        type_name = key.removeprefix("value")
        code = type_name if type_name[:1] in "ACQR" else type_name[:1].lower() + type_name[1:]
        value_at = f"{at}.value.ofType({code})"
        if not _has_type(definition, type_name):
            case.report.error("questionnaire-answer-type", "invariant", value_at, url,
                              found=code, expected=str(definition.get("type")))  # fmt: skip
            continue
        for issue_id, fhir_code, parameters in _faults(
            definition, type_name, answer[key], case, questionnaire
        ):
            location = at if issue_id in _AT_ANSWER else value_at
            severity: Severity = "warning" if issue_id == _PATTERN_NOT_CHECKED else "error"
            case.report.add(issue_id, severity, fhir_code, location, url, **parameters)
    _explain_exclusive(definition, answers, place, case, url)


_AT_ANSWER = frozenset({"questionnaire-answer-option", "questionnaire-answer-value-set",
                        "questionnaire-attachment-type"})  # fmt: skip


def _has_type(definition: dict[str, Any], type_name: str) -> bool:
    allowed = _TYPES.get(str(definition.get("type")))
    if allowed is None or type_name in allowed:
        return True
    options = definition.get("answerOption") or ()
    return any(isinstance(option, dict) and f"value{type_name}" in option for option in options)


def _faults(
    definition: dict[str, Any],
    type_name: str,
    value: Any,
    case: Inspection,
    questionnaire: dict[str, Any],
) -> Iterator[Fault]:
    extensions = _extensions(definition)
    yield from _option_faults(definition, type_name, value, case, questionnaire)
    if type_name in {"Integer", "Decimal", "Date", "DateTime", "Time"}:
        yield from _bound_faults(extensions, value)
    elif type_name in {"String", "Uri"}:
        yield from _text_faults(definition, extensions, value)
    elif type_name == "Quantity":
        yield from _quantity_faults(extensions, value, case)
    elif type_name == "Attachment":
        yield from _attachment_faults(extensions, value)
    elif type_name == "Reference":
        yield from _reference_faults(extensions, value, case)


def _extensions(holder: dict[str, Any]) -> dict[str, list[Any]]:
    """The values of extensions by the last part of their url."""
    found: dict[str, list[Any]] = {}
    for extension in holder.get("extension") or ():
        if not isinstance(extension, dict) or not str(extension.get("url")).startswith(
            (_BASE, _SDC)
        ):
            continue
        name = (
            str(extension["url"])
            .rpartition("/")[2]
            .removeprefix("sdc-")
            .removeprefix("questionnaire-")
        )
        found.setdefault(name, []).extend(v for k, v in extension.items() if k.startswith("value"))
    return found


def _option_faults(
    definition: dict[str, Any],
    type_name: str,
    value: Any,
    case: Inspection,
    questionnaire: dict[str, Any],
) -> Iterator[Fault]:
    kind = definition.get("type")
    if kind == "open-choice" and type_name == "String":
        return
    options = [o for o in definition.get("answerOption") or () if isinstance(o, dict)]
    if options and not any(
        _is_option(option.get(f"value{type_name}"), value) for option in options
    ):
        yield "questionnaire-answer-option", "code-invalid", {"found": shown(value)}
    value_set = definition.get("answerValueSet")
    if not isinstance(value_set, str) or type_name not in {"Coding", "String"}:
        return
    answer = _in_value_set(value_set, value, case, questionnaire)
    if answer is False and kind != "open-choice":
        issue_id = (
            "questionnaire-answer-value-set"
            if type_name == "Coding"
            else "questionnaire-answer-text"
        )
        yield issue_id, "code-invalid", {"found": shown(value), "value_set": value_set}


def _is_option(option: Any, value: Any) -> bool:
    if isinstance(option, dict):
        return matches(
            value, {key: option[key] for key in ("system", "code", "reference") if key in option}
        )
    return option is not None and bool(option == value)


def _in_value_set(
    value_set: str, value: Any, case: Inspection, questionnaire: dict[str, Any]
) -> bool | None:
    if value_set.startswith("#"):
        contained = [
            item for item in questionnaire.get("contained") or () if item.get("id") == value_set[1:]
        ]
        if not contained:
            return None
        return case.knowledge.terminology.expansion_of(contained[0]).contains(
            str(value.get("system", "")), str(value.get("code"))
        ) if isinstance(value, dict) else None  # fmt: skip
    expansion = case.knowledge.terminology.expansion(value_set)
    if isinstance(value, str):
        displays = (case.knowledge.terminology.displays(s, c) for s, c in expansion)
        known = {display for shown_displays in displays for display in shown_displays}
        return (
            True
            if value in known
            else None
            if expansion.grammars or expansion.unavailable
            else False
        )
    return expansion.contains(str(value.get("system", "")), str(value.get("code")))


def _bound_faults(extensions: dict[str, list[Any]], value: Any) -> Iterator[Fault]:
    for bound in extensions.get("minValue", ()):
        if order_of(value, bound) == -1:
            yield (
                "questionnaire-answer-below",
                "invariant",
                {"found": shown(value), "bound": shown(bound)},
            )
    for bound in extensions.get("maxValue", ()):
        if order_of(value, bound) == 1:
            yield (
                "questionnaire-answer-above",
                "invariant",
                {"found": shown(value), "bound": shown(bound)},
            )
    for places in extensions.get("maxDecimalPlaces", ()):
        exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
        if isinstance(exponent, int) and -exponent > places:
            yield (
                "questionnaire-answer-decimals",
                "invariant",
                {"found": shown(value), "max": places},
            )


def _text_faults(
    definition: dict[str, Any], extensions: dict[str, list[Any]], value: Any
) -> Iterator[Fault]:
    if not isinstance(value, str):
        return
    maximum = definition.get("maxLength")
    if isinstance(maximum, int) and len(value) > maximum:
        yield "questionnaire-answer-long", "invariant", {"found": len(value), "max": maximum}
    for minimum in extensions.get("minLength", ()):
        if len(value) < minimum:
            yield "questionnaire-answer-short", "invariant", {"found": len(value), "min": minimum}
    for pattern in extensions.get("regex", ()):
        yield from _pattern_faults(str(pattern), value)
    if definition.get("type") == "url" and (
        not _URL.fullmatch(value)
        or "\\" in value
        or (value.startswith("urn:uuid:") and not _UUID_URL.fullmatch(value))
    ):
        yield "questionnaire-answer-url", "invalid", {"found": shown(value)}


def _pattern_faults(pattern: str, value: str) -> Iterator[Fault]:
    try:
        # The pattern is the questionnaire author's and may be built to explode: its time is bounded.
        if not search(pattern, value):
            yield (
                "questionnaire-answer-pattern",
                "invariant",
                {"found": shown(value), "pattern": pattern},
            )
    except FHIRPathError as fault:
        yield _PATTERN_NOT_CHECKED, "not-supported", {"reason": fault.issue}


def _quantity_faults(
    extensions: dict[str, list[Any]], value: Any, case: Inspection
) -> Iterator[Fault]:
    if not isinstance(value, dict):
        return
    unit = {key: value.get(key) for key in ("system", "code")}
    options = extensions.get("unitOption", [])
    if options and not any(matches(unit, {k: o[k] for k in unit if k in o}) for o in options):
        yield "questionnaire-answer-unit", "invariant", {"found": shown(unit["code"])}
    for value_set in extensions.get("unitValueSet", ()):
        expansion = case.knowledge.terminology.expansion(str(value_set))
        if expansion.contains(str(unit["system"]), str(unit["code"])) is False:
            yield "questionnaire-answer-unit", "invariant", {"found": shown(unit["code"])}
    for name, is_minimum in (("minQuantity", True), ("maxQuantity", False)):
        for bound in extensions.get(name, ()):
            yield from _quantity_bound(value, bound, is_minimum=is_minimum)


def _quantity_bound(
    value: dict[str, Any], bound: dict[str, Any], *, is_minimum: bool
) -> Iterator[Fault]:
    same = bound.get("code") is not None and all(
        bound.get(k) == value.get(k) for k in ("system", "code")
    )
    parameters = {"found": shown(value.get("value")), "bound": shown(bound.get("value"))}
    if not same:
        yield (
            "questionnaire-answer-unit-unlike",
            "invariant",
            {**parameters, "side": "≥" if is_minimum else "≤"},
        )
    elif is_minimum and value.get("value", 0) < bound.get("value", 0):
        yield "questionnaire-answer-below", "invariant", parameters
    elif not is_minimum and value.get("value", 0) > bound.get("value", 0):
        yield "questionnaire-answer-above", "invariant", parameters


def _attachment_faults(extensions: dict[str, list[Any]], value: Any) -> Iterator[Fault]:
    if not isinstance(value, dict):
        return
    kinds = [str(kind) for kind in extensions.get("mimeType", ())]
    content = str(value.get("contentType", "")).partition(";")[0].strip()
    if kinds and content not in kinds:
        yield (
            "questionnaire-attachment-type",
            "required",
            {"found": content, "expected": ", ".join(kinds)},
        )
    for maximum in extensions.get("maxSize", ()):
        if isinstance(value.get("size"), int) and value["size"] > maximum:
            yield (
                "questionnaire-answer-above",
                "invariant",
                {"found": value["size"], "bound": shown(maximum)},
            )


def _reference_faults(
    extensions: dict[str, list[Any]], value: Any, case: Inspection
) -> Iterator[Fault]:
    reference = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(reference, str):
        return
    kind = referenced_type(reference) or value.get("type")
    wanted = [str(name) for name in extensions.get("referenceResource", ())]
    if wanted and kind is not None and kind not in wanted:
        yield (
            "questionnaire-answer-reference",
            "invariant",
            {"found": kind, "expected": ", ".join(wanted)},
        )
    elif kind is not None and not case.knowledge.types.is_resource(kind):
        yield "questionnaire-answer-reference", "invariant", {"found": kind, "expected": "Resource"}


def _explain_exclusive(
    definition: dict[str, Any],
    answers: list[dict[str, Any]],
    place: str,
    case: Inspection,
    url: str | None,
) -> None:
    """An option marked as exclusive is the only answer."""
    if len(answers) < 2:
        return
    exclusive = [
        option
        for option in definition.get("answerOption") or ()
        if True in _extensions(option).get("optionExclusive", ())
    ]
    for index, answer in enumerate(answers):
        for option in exclusive:
            for key, wanted in option.items():
                if key.startswith("value") and key in answer and _is_option(wanted, answer[key]):
                    case.report.error("questionnaire-answer-exclusive", "invariant",
                                      f"{place}.answer[{index}]", url, found=shown(answer[key]))  # fmt: skip
