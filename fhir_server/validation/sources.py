"""What is given to be validated: files of one resource in JSON or XML, and NDJSON, one record at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fhir_server.definitions import TypeModel
from fhir_server.model.issues import Issue, error
from fhir_server.model.json_source import JsonPositions, JsonSyntaxError, parse_json
from fhir_server.model.xml_source import XmlDocument, XmlSyntaxError
from fhir_server.validation.positions import located
from fhir_server.validation.validator import Validator

NDJSON_SUFFIXES = frozenset({".ndjson", ".jsonl"})


@dataclass(frozen=True, slots=True)
class Record:
    """One resource of an input: `name` the file, with `:line` for a line of NDJSON."""

    name: str
    source: bytes
    first_line: int = 1


@dataclass(frozen=True, slots=True)
class Result:
    """What validation says of one record."""

    file: str
    issues: tuple[Issue, ...]

    @property
    def is_valid(self) -> bool:
        """Whether there is no error."""
        return all(issue.severity not in {"error", "fatal"} for issue in self.issues)


def records(path: Path) -> Iterator[Record | Result]:
    """The records of a file; where it cannot be read, a result that says why."""
    if path.is_dir():
        yield Result(str(path), (error("input-folder", "invalid"),))
        return
    try:
        if path.suffix.lower() in NDJSON_SUFFIXES:
            with path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    if line.strip():
                        yield Record(f"{path}:{number}", line.rstrip(b"\r\n"), number)
        else:
            yield Record(str(path), path.read_bytes())
    except FileNotFoundError:
        yield Result(str(path), (error("input-missing", "not-found"),))
    except OSError as fault:
        yield Result(
            str(path), (error("input-unreadable", "exception", reason=fault.strerror or ""),)
        )


def validate_record(record: Record, validator: Validator, profiles: tuple[str, ...]) -> Result:
    """Validate a record; every issue has its line, in JSON its column as well."""
    source = record.source
    if source.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        return _validate_xml(record, validator, profiles)
    try:
        resource = parse_json(source)
    except JsonSyntaxError as fault:
        issue = error(fault.issue_id, "structure", reason=fault.reason)
        return _result(record, [issue.at(fault.line, fault.column)])
    issues = validator.validate(resource, profiles)
    return _result(record, located(issues, JsonPositions(source)) if issues else [])


def _validate_xml(record: Record, validator: Validator, profiles: tuple[str, ...]) -> Result:
    types: TypeModel = validator.definitions.type_model
    try:
        document = XmlDocument(record.source, types)
    except XmlSyntaxError as fault:
        issue = error(fault.issue_id, "structure", reason=fault.reason)
        return _result(record, [issue.at(fault.line, fault.column)])
    return _result(record, located(validator.validate(document.value, profiles), document))


def _result(record: Record, issues: list[Issue]) -> Result:
    offset = record.first_line - 1
    moved = (
        replace(issue, line=issue.line + offset) if offset and issue.line is not None else issue
        for issue in issues
    )
    return Result(record.name, tuple(moved))
