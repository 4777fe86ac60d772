"""Lines of the centre register, which is `centres.csv` among the maps: added and checked."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from fhir_server.model.issues import Language, Reason, because, refuse
from ingest.hl7v2.charset import codec_for
from ingest.mapping import MapError, load_library
from ingest.mapping.centres import COLUMNS, FURTHER_COLUMNS, Centre, load_centres
from ingest.mapping.csv_source import read_lines, separator_of, written_lines
from ingest.mapping.quirks import FILE_NAME as QUIRKS
from ingest.register.local_codes import replace_file

FILE_NAME = "centres.csv"


def add_centre(root: Path, line: Mapping[str, str]) -> None:
    """Add a centre, or put its line in place of the one before.

    Errors: Refused 422 where the register could not be read with the line; the file is then as it was.
    """
    path = root / FILE_NAME
    before = path.read_bytes()
    try:
        rows = [row for _, row in read_lines(path, FILE_NAME, COLUMNS) if row["id"] != line["id"]]
        separator = separator_of(path, FILE_NAME, COLUMNS)
        replace_file(path, _written([*rows, line], separator))
        check_charset(load_centres(path).centres[line["id"]])
    except MapError as fault:
        replace_file(path, before)
        raise refuse(
            422, "ingest-centre-line", "invalid",
            reason=because("because-line-of-file", file=fault.file, line=fault.line,
                           expected=fault.expected),
        ) from None  # fmt: skip


def listed(names: Sequence[str]) -> str:
    """Names as one cell of the register. Errors: Refused 422 where one has a space, or is empty."""
    if any(not name or name.split() != [name] for name in names):
        raise refuse(422, "ingest-centre-line", "invalid", reason=because("because-no-space"))
    return " ".join(names)


def check_charset(centre: Centre) -> None:
    """Errors: MapError where the character set is none that can be read."""
    if codec_for(centre.charset) is None:
        raise MapError(FILE_NAME, 1, because("because-charset", found=centre.charset))


def _written(rows: Sequence[Mapping[str, str]], separator: str) -> bytes:
    further = [name for name in FURTHER_COLUMNS if any(row.get(name) for row in rows)]
    return written_lines([*COLUMNS, *further], sorted(rows, key=lambda row: row["id"]), separator)


def check_register(root: Path, language: Language = "en") -> Iterator[str]:
    """What is wrong with the register and the centres' own codes and segments; nothing where all is well."""
    try:
        library = load_library(root)
    except (MapError, OSError) as fault:
        yield str(fault)
        return
    for centre in library.register.centres.values():
        for reason in _faults(centre, root):
            yield f"{centre.id}: {reason.text(language)}"


def _faults(centre: Centre, root: Path) -> Iterator[Reason]:
    if codec_for(centre.charset) is None:
        yield because("because-charset", found=centre.charset)
    if not centre.facilities:
        yield because("because-no-facility")
    if not centre.authorities:
        yield because("because-no-authority")
    folder = root / "centres" / centre.id
    for path in sorted(folder.glob("*")):
        if path.suffix != ".csv" and path.name not in {"segments", QUIRKS}:
            yield because("because-foreign-file", file=path.name, quirks=QUIRKS)
    if centre.valid_to and centre.valid_to < centre.valid_from:
        yield because("because-ends-before")
