"""What is given to be validated: files of one resource in JSON or XML, NDJSON and folders of them, one
record at a time.
"""

import errno
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from msgspec import structs

from fhir_server.model.issues import Issue, Reason, because, error
from fhir_server.model.json_source import JsonSyntaxError
from fhir_server.model.reading import read_leniently
from fhir_server.model.xml_source import XmlSyntaxError
from fhir_server.validation.validator import Validator

NDJSON_SUFFIXES = frozenset({".ndjson", ".jsonl"})
_SUFFIXES = NDJSON_SUFFIXES | {".json", ".xml"}
_NO_RESOURCES = frozenset({"package.json", ".index.json"})
MAX_RECORD_BYTES = 64 * 1024 * 1024
"""Largest text of one resource that is read; a Bundle of 10,000 entries has about a fifth of it."""


@dataclass(frozen=True, slots=True)
class Record:
    """One resource of an input: `name` the file, with `:line` for a line of NDJSON; `path` the file."""

    name: str
    source: bytes
    first_line: int = 1
    path: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What validation says of one record: `file` its name, `path` the file it stands in."""

    file: str
    issues: tuple[Issue, ...]
    path: str = ""

    @property
    def is_valid(self) -> bool:
        """Whether there is no error."""
        return all(issue.severity not in {"error", "fatal"} for issue in self.issues)


def input_files(paths: Sequence[Path]) -> Iterator[Path]:
    """The files named, and those of the folders named: JSON, XML and NDJSON, at any depth, in order.

    A folder with none of them is given as it stands, so that reading it says so.
    """
    for path in paths:
        if not is_folder(path):
            yield path
            continue
        found = sorted(file for file in path.rglob("*") if _is_input(file, path))
        yield from found or [path]


def is_folder(path: Path) -> bool:
    """Whether a path names a folder. A name that the system does not take (too long, in a folder that may
    not be entered) names none: reading it says why.
    """
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _is_input(file: Path, folder: Path) -> bool:
    if file.suffix.lower() not in _SUFFIXES or file.name in _NO_RESOURCES:
        return False
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return not hidden and file.is_file()


def records(path: Path) -> Iterator[Record | Result]:
    """The records of a file; where one cannot be read, a result that says why. Cost: memory for one."""
    name = str(path)
    if is_folder(path):
        yield _refused(name, name, error("input-folder", "invalid"))
        return
    try:
        with path.open("rb") as file:
            if path.suffix.lower() in NDJSON_SUFFIXES:
                yield from _lines(file, name)
            else:
                source = file.read(MAX_RECORD_BYTES + 1)
                yield _checked(Record(name, source, path=name))
    except FileNotFoundError:
        yield _refused(name, name, error("input-missing", "not-found"))
    except OSError as fault:
        issue = error("input-unreadable", "exception", reason=_why_unreadable(fault))
        yield _refused(name, name, issue)


_SYSTEM_FAULTS: Mapping[int | None, str] = {
    errno.EACCES: "because-may-not-be-read",
    errno.EPERM: "because-may-not-be-read",
    errno.EISDIR: "because-is-folder",
    errno.ENAMETOOLONG: "because-name-too-long",
    errno.ELOOP: "because-link-circle",
}


def _why_unreadable(fault: OSError) -> Reason:
    known = _SYSTEM_FAULTS.get(fault.errno)
    if known is not None:
        return because(known)
    return because("because-system-fault", symbol=errno.errorcode.get(fault.errno or 0, "EIO"))


def _lines(file: BinaryIO, path: str) -> Iterator[Record | Result]:
    number = 0
    while line := file.readline(MAX_RECORD_BYTES + 1):
        number += 1
        if line.strip():
            yield _checked(Record(f"{path}:{number}", line.rstrip(b"\r\n"), number, path))
        while line and not line.endswith(b"\n"):
            # The rest of a line that is too long is read past, a piece at a time.
            line = file.readline(MAX_RECORD_BYTES)


def _checked(record: Record) -> Record | Result:
    if len(record.source) <= MAX_RECORD_BYTES:
        return record
    limit = MAX_RECORD_BYTES // (1024 * 1024)
    return _refused(record.name, record.path, error("input-too-large", "too-costly", max=limit))


def _refused(name: str, path: str, issue: Issue) -> Result:
    return Result(name, (issue,), path)


def validate_record(record: Record, validator: Validator, profiles: Sequence[str]) -> Result:
    """Validate a record; every issue has its line and column."""
    types = validator.definitions.type_model
    try:
        reading = read_leniently(record.source, _format(record), types)
    except (JsonSyntaxError, XmlSyntaxError) as fault:
        # Nothing of it can be judged: that is what fatal means.
        issue = Issue(fault.issue_id, "fatal", "structure", parameters={"reason": fault.reason})
        return _result(record, [issue.at(fault.line, fault.column)])
    return _result(record, reading.located(validator.validate(reading.value, profiles)))


def _format(record: Record) -> Literal["json", "xml"]:
    """How a record is written: as it begins, and where that does not tell, as its file is named."""
    first = record.source.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    is_named_xml = record.path.lower().endswith(".xml") and first not in {b"{", b"["}
    return "xml" if first == b"<" or is_named_xml else "json"


def _result(record: Record, issues: list[Issue]) -> Result:
    offset = record.first_line - 1
    moved = (
        structs.replace(issue, line=issue.line + offset)
        if offset and issue.line is not None
        else issue
        for issue in issues
    )
    return Result(record.name, tuple(moved), record.path)
