"""YAML with the place of every entry, so that a fault in a map is told by file, line and expectation."""

from pathlib import Path
from typing import Any

import yaml

from fhir_server.model.issues import Reason, because


class MapError(ValueError):
    """A map cannot be understood: the file, the line and what was expected there."""

    def __init__(self, file: str, line: int, expected: str | Reason) -> None:
        super().__init__(f"{file}:{line}: {expected}")
        self.file = file
        self.line = line
        self.expected = expected


class Section(dict[str, Any]):
    """A YAML mapping that remembers its file and the line of each key."""

    def __init__(self, file: str, line: int) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.lines: dict[str, int] = {}

    def fault(self, expected: str, key: str | None = None) -> MapError:
        """The error for this section, or for one of its keys."""
        return MapError(self.file, self.lines.get(key or "", self.line), expected)

    def text(self, key: str, default: str | None = None) -> str:
        """A value that must be a plain text."""
        value = self.get(key, default)
        if not isinstance(value, str):
            raise self.fault(f"`{key}:` with a text", key)
        return value

    def section(self, key: str) -> "Section":
        """A value that must be a mapping; an absent one is empty."""
        value = self.get(key)
        if value is None:
            return Section(self.file, self.line)
        if not isinstance(value, Section):
            raise self.fault(f"`{key}:` with entries of the form `name: …`", key)
        return value

    def sections(self, key: str) -> "list[Section]":
        """A value that must be a list of mappings; an absent one is empty."""
        value = self.get(key, [])
        if not isinstance(value, list) or not all(isinstance(entry, Section) for entry in value):
            raise self.fault(f"`{key}:` with a list of `- {{…}}` lines", key)
        return value

    def only(self, *known: str) -> None:
        """Refuse keys that mean nothing here: a misspelt key must not be ignored."""
        for key in self:
            if key not in known:
                raise self.fault(f"one of {', '.join(known)}, found `{key}`", key)


def load_section(path: Path, root: Path) -> Section:
    """Read a YAML file whose top level is a mapping. Every scalar is a text: `NO` is no boolean.

    Errors: MapError with the line for broken YAML, another top level, or a key that stands twice.
    """
    file = path.relative_to(root).as_posix()
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as fault:
        line = fault.problem_mark.line + 1 if fault.problem_mark else 1
        raise MapError(file, line, f"well-formed YAML: {fault.problem}") from None
    except (UnicodeDecodeError, yaml.reader.ReaderError):
        raise MapError(file, 1, because("because-utf-8")) from None
    if not isinstance(node, yaml.MappingNode):
        raise MapError(file, 1, "a mapping (`name: …`) at the top level")
    section: Section = _value(node, file)
    return section


def _value(node: yaml.Node, file: str) -> Any:
    if isinstance(node, yaml.MappingNode):
        section = Section(file, node.start_mark.line + 1)
        for key_node, value_node in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if key in section:
                raise MapError(file, line, f"each key once, `{key}` stands twice")
            section.lines[key] = line
            section[key] = _value(value_node, file)
        return section
    if isinstance(node, yaml.SequenceNode):
        return [_value(entry, file) for entry in node.value]
    return node.value
