"""The parameters of an operation, read from a Parameters resource.

A parameter of a GET comes as text whatever its type, so a value is read for what is wanted of it.
Source: https://hl7.org/fhir/R4/operations.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fhir_server.model.issues import Refused, refuse

Resource = dict[str, Any]
MAX_COUNT_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Coding:
    """A code to ask about; `system` and `display` where they are said."""

    code: str
    system: str | None = None
    version: str | None = None
    display: str | None = None

    @property
    def canonical(self) -> str | None:
        """The system with the version asked for."""
        if self.system is None:
            return None
        return f"{self.system}|{self.version}" if self.version else self.system


class OperationParameters:
    """What an operation was asked.

    Errors: Refused 400 for content that is no Parameters, or a name that the operation does not take: a
    parameter that is silently left out would give a wrong answer.
    """

    def __init__(self, content: Any, taken: frozenset[str]) -> None:
        self._entries: dict[str, list[Resource]] = {}
        if not isinstance(content, dict) or content.get("resourceType") != "Parameters":
            raise refuse(400, "operation-no-parameters", "structure")
        listed = content.get("parameter", [])
        for entry in listed if isinstance(listed, list) else [None]:
            name = entry.get("name") if isinstance(entry, dict) else None
            if not isinstance(entry, dict) or not isinstance(name, str):
                raise refuse(400, "operation-no-parameters", "structure", "Parameters.parameter")
            if name not in taken:
                raise refuse(400, "operation-parameter-unknown", "not-supported", place(name),
                             name=name[:64], allowed=", ".join(sorted(taken)))  # fmt: skip
            self._entries.setdefault(name, []).append(entry)

    def texts(self, name: str) -> list[str]:
        """Every value of a parameter, as text."""
        return [str(value) for value in self._values(name) if not isinstance(value, dict)]

    def text(self, name: str) -> str | None:
        """The value of a parameter, as text. Errors: Refused 400 where it is given twice."""
        found = self.texts(name)
        if len(found) > 1:
            raise invalid(name, "1")
        return found[0] if found else None

    def flag(self, name: str) -> bool | None:
        """A true or false. Errors: Refused 400."""
        text = self.text(name)
        if text is None:
            return None
        if text.lower() not in {"true", "false"}:
            raise invalid(name, "true, false")
        return text.lower() == "true"

    def count(self, name: str) -> int | None:
        """A number from 0. Errors: Refused 400."""
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) <= MAX_COUNT_DIGITS):
            raise invalid(name, "0, 1, 2, …")
        return int(text)

    def resource(self, name: str, resource_type: str) -> Resource | None:
        """A resource that is sent along. Errors: Refused 400 where it is of another type."""
        for entry in self._entries.get(name, ()):
            found = entry.get("resource")
            if not isinstance(found, dict) or found.get("resourceType") != resource_type:
                raise invalid(name, resource_type)
            return found
        return None

    def coding(self, name: str) -> Coding | None:
        """A Coding. Errors: Refused 400 where it has no code."""
        for value in self._values(name):
            return coding_of(value, name)
        return None

    def codings(self, name: str) -> list[Coding] | None:
        """The codings of a CodeableConcept."""
        for value in self._values(name):
            listed = value.get("coding") if isinstance(value, dict) else None
            if not isinstance(listed, list) or not listed:
                raise invalid(name, "CodeableConcept")
            return [coding_of(item, name) for item in listed]
        return None

    def parts(self, name: str) -> Iterator[dict[str, Any]]:
        """The parts of each repetition of a parameter: the value by the name of the part."""
        for entry in self._entries.get(name, ()):
            listed = entry.get("part")
            parts = (
                [part for part in listed if isinstance(part, dict)]
                if isinstance(listed, list)
                else []
            )
            yield {str(part.get("name")): _value(part) for part in parts}

    def _values(self, name: str) -> Iterator[Any]:
        for entry in self._entries.get(name, ()):
            value = _value(entry)
            if value is not None:
                yield str(value).lower() if isinstance(value, bool) else value


def _value(entry: Resource) -> Any:
    return next((value for key, value in entry.items() if key.startswith("value")), None)


def coding_of(value: Any, name: str) -> Coding:
    """The coding of a JSON value. Errors: Refused 400, naming the parameter."""
    if not isinstance(value, dict) or not isinstance(value.get("code"), str):
        raise invalid(name, "Coding")
    parts = (value.get(key) for key in ("system", "version", "display"))
    return Coding(value["code"], *(part if isinstance(part, str) else None for part in parts))


def invalid(name: str, expected: str) -> Refused:
    """The refusal of a value."""
    return refuse(400, "operation-parameter-value", "value", place(name), name=name,
                  expected=expected)  # fmt: skip


def missing(*names: str) -> Refused:
    """The refusal of a call that does not say what it is about."""
    return refuse(400, "operation-parameter-missing", "required", names=" / ".join(names))


def place(name: str) -> str:
    """Where a parameter stands."""
    quoted = name[:64].replace("'", "")
    return f"Parameters.parameter.where(name='{quoted}')"


def parameters(*entries: tuple[str, str, Any]) -> Resource:
    """A Parameters resource of name, value type and value; what is None is left out."""
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": name, f"value{kind}": value}
            for name, kind, value in entries
            if value is not None
        ],
    }
