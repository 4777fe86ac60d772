"""Code maps: v2 tables and local codes to FHIR codes, the sender's own lines first.

A code map (`mappings/codes/*.yaml`) translates the codes of one table. A centre adds lines of its own
in `mappings/centres/<id>/*.csv` (`table, local_code, system, code, version, display`), which come first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fhir_server.model.issues import because
from ingest.mapping.csv_source import read_lines
from ingest.mapping.yaml_source import MapError, Section, load_section

Policy = Literal["hold", "keep", "reject"]
POLICIES: tuple[Policy, ...] = ("hold", "keep", "reject")
CENTRE_COLUMNS = ("table", "local_code", "system", "code", "version", "display")


@dataclass(frozen=True, slots=True)
class Coding:
    """A target code. Empty parts are left out of the FHIR Coding."""

    system: str
    code: str
    version: str = ""
    display: str = ""

    def as_fhir(self) -> dict[str, str]:
        """The FHIR Coding."""
        parts = {
            "system": self.system,
            "version": self.version,
            "code": self.code,
            "display": self.display,
        }
        return {name: value for name, value in parts.items() if value}


@dataclass(frozen=True, slots=True)
class CodeMap:
    """A table and what its codes become.

    Shape: `accept` lists systems whose codes need no translation; `unmapped` says what happens to a
    code that has no line: the message is held, the value stays in the raw message, or it is rejected.
    """

    name: str
    table: str
    entries: Mapping[str, Coding]
    unmapped: Policy
    accept: frozenset[str] = frozenset()


class CodeMaps:
    """All code maps and the additions of the centres."""

    def __init__(
        self, maps: Mapping[str, CodeMap], centres: Mapping[str, Mapping[tuple[str, str], Coding]]
    ) -> None:
        self.maps = maps
        self._centres = centres

    def translate(self, code_map: CodeMap, code: str, centre: str) -> Coding | None:
        """The target of a code for a centre; None where it has none."""
        local = self._centres.get(centre)
        found = local.get((code_map.name, code)) if local else None
        return found or code_map.entries.get(code)


def load_code_maps(root: Path) -> CodeMaps:
    """Read `codes/*.yaml` and `centres/*/*.csv`.

    Errors: MapError with file and line.
    """
    maps: dict[str, CodeMap] = {}
    for path in sorted((root / "codes").glob("*.yaml")):
        code_map = _code_map(load_section(path, root))
        maps[code_map.name] = code_map
    centres: dict[str, dict[tuple[str, str], Coding]] = {}
    for path in sorted((root / "centres").glob("*/*.csv")):
        centres.setdefault(path.parent.name, {}).update(_centre_lines(path, root, maps))
    return CodeMaps(maps, centres)


def _code_map(section: Section) -> CodeMap:
    section.only(
        "codes", "table", "source", "note", "target", "version", "unmapped", "accept", "map"
    )
    policy = section.text("unmapped", "keep")
    if policy not in POLICIES:
        raise section.fault(f"one of {', '.join(POLICIES)}", "unmapped")
    target, version = section.text("target", ""), section.text("version", "")
    lines = section.section("map")
    entries = {code: _target(lines, code, target, version) for code in lines}
    accept = section.get("accept", [])
    return CodeMap(section.text("codes"), section.text("table"), entries, policy, frozenset(accept))


def _target(lines: Section, code: str, system: str, version: str) -> Coding:
    """`F: female`, or `F: {code: female, system: …, display: …}`."""
    value = lines[code]
    if isinstance(value, str):
        return Coding(system, value, version)
    if not isinstance(value, Section):
        raise lines.fault("a code, or {code: …, system: …, display: …}", code)
    value.only("code", "system", "version", "display", "note")
    return Coding(
        value.text("system", system),
        value.text("code"),
        value.text("version", version),
        value.text("display", ""),
    )


def _centre_lines(
    path: Path, root: Path, maps: Mapping[str, CodeMap]
) -> dict[tuple[str, str], Coding]:
    file = path.relative_to(root).as_posix()
    found: dict[tuple[str, str], Coding] = {}
    for line, row in read_lines(path, file, CENTRE_COLUMNS):
        if row["table"] not in maps:
            raise MapError(file, line, f"a code map's name, found `{row['table']}`")
        if not row["local_code"] or not row["code"]:
            raise MapError(file, line, because("because-codes"))
        target = Coding(row["system"], row["code"], row["version"], row["display"])
        if found.setdefault((row["table"], row["local_code"]), target) != target:
            raise MapError(file, line, because("because-one-target"))
    return found
