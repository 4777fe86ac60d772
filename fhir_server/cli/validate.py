"""`osteon validate`: resources, Bundles and NDJSON against FHIR R4, the network's profiles and others."""

import os
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from fhir_server.definitions import Definitions
    from fhir_server.settings import Settings
    from fhir_server.validation import Validator
    from fhir_server.validation.sources import Record, Result
    from fhir_server.validation.strictness import Strictness

EXIT_INPUT = 1
EXIT_USAGE = 2
_ALONE_BYTES = 4 * 1024 * 1024
"""Inputs below this are done sooner by one process than others can start."""
_MANY_FILES = 100
_FILE_COST_BYTES = 4096
"""What opening a file costs beside its content, for the bar."""
_MAX_JOBS_PER_CORE = 4
"""More processes than this only take memory from each other."""


def validate(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE…", help="JSON, XML or NDJSON files, and folders of them."),
    ],
    *,
    profiles: Annotated[
        list[str] | None,
        typer.Option("--profile", metavar="URL", help="A profile that every resource must meet."),
    ] = None,
    loads: Annotated[
        list[Path] | None,
        typer.Option(
            "--load",
            metavar="FILE|DIR|PACKAGE",
            help="Conformance resources to know for this run.",
        ),
    ] = None,
    output: Annotated[
        Literal["text", "json", "junit", "sarif", "html"],
        typer.Option("--format", help="Lines to read, JSON, JUnit XML, SARIF 2.1.0, or a page."),
    ] = "text",
    language: Annotated[
        Literal["en", "fr"], typer.Option("--lang", help="The language of the texts.")
    ] = "en",
    displays: Annotated[
        Literal["error", "warning"] | None,
        typer.Option("--displays", help="What a wrong display is (OSTEON_WRONG_DISPLAYS)."),
    ] = None,
    unknown_profiles: Annotated[
        Literal["error", "warning"] | None,
        typer.Option(
            "--unknown-profiles",
            help="What a claimed profile that is not loaded is (OSTEON_UNKNOWN_PROFILES).",
        ),
    ] = None,
    jobs: Annotated[
        int,
        typer.Option("--jobs", min=0, help="How many processes; 0: as many as there are cores."),
    ] = 0,
    fail_on: Annotated[
        Literal["error", "warning", "information"],
        typer.Option("--fail-on", help="The least severity for which the exit code is 1."),
    ] = "error",
) -> int:
    """Validate resources, Bundles and NDJSON files.

    Exit code: 0 nothing as severe as `--fail-on`, 1 an input is at fault, 2 the command is wrong,
    3 the system failed.
    """
    from fhir_server.definitions.packages import PackageError
    from fhir_server.model.issues import SEVERITY_RANK
    from fhir_server.validation.parallel import validate_all
    from fhir_server.validation.report_formats import REPORT_FORMATS
    from fhir_server.validation.sources import input_files

    make_validator = partial(_validator, tuple(loads or ()), displays, unknown_profiles)
    try:
        make_validator()
    except PackageError as fault:
        sys.stderr.write(f"osteon: --load: {fault}\n")
        return EXIT_USAGE
    inputs = list(input_files(files))
    size = sum(_size(path) for path in inputs)
    results = validate_all(
        _with_progress(inputs, size), make_validator, tuple(profiles or ()), _processes(jobs, size)
    )
    summary = REPORT_FORMATS[output](results, sys.stdout.buffer, language)
    worst = summary.worst
    is_bad = worst is not None and SEVERITY_RANK[worst] <= SEVERITY_RANK[fail_on]
    return EXIT_INPUT if is_bad else 0


def _size(path: Path) -> int:
    """The bytes of a file; none where it cannot be read, which its record says."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _processes(jobs: int, size: int) -> int:
    if jobs:
        return min(jobs, _MAX_JOBS_PER_CORE * (os.cpu_count() or 1))
    return 1 if size < _ALONE_BYTES else os.cpu_count() or 1


Degree = Literal["error", "warning"]
_validators: dict[tuple["Settings", "Strictness", tuple[Path, ...]], "Validator"] = {}


def _validator(
    loads: tuple[Path, ...],
    displays: Degree | None = None,
    unknown_profiles: Degree | None = None,
) -> "Validator":
    """The validator of this process; a forked process finds that of its parent."""
    from fhir_server.log_lines import configure_logging
    from fhir_server.settings import load_settings
    from fhir_server.terminology import Terminology, remote_terminology
    from fhir_server.validation import Validator
    from fhir_server.validation.strictness import Strictness

    settings = load_settings()
    configure_logging(settings)
    strictness = Strictness(
        displays or settings.wrong_displays,
        unknown_profiles or settings.unknown_profiles,
        settings.wrong_units,
    )
    key = (settings, strictness, loads)
    if key not in _validators:
        remote = remote_terminology(settings.terminology_server, settings.terminology_timeout_s)
        definitions = _definitions(settings.data_dir, loads)
        _validators[key] = Validator(
            definitions, Terminology(definitions, remote=remote), strictness=strictness
        )
    return _validators[key]


def _definitions(data_dir: Path, loads: Iterable[Path]) -> "Definitions":
    from fhir_server.definitions.packages import network_definitions, read_conformance

    definitions = network_definitions(data_dir)
    for path in loads:
        definitions = definitions.layered(read_conformance(path))
    return definitions


def _with_progress(files: list[Path], size: int) -> Iterator["Record | Result"]:
    """The records of the files, with a bar on the terminal where there is something to wait for."""
    is_long = size >= _ALONE_BYTES or len(files) >= _MANY_FILES
    if not is_long or not sys.stderr.isatty():
        for path in files:
            yield from _records(path)
        return
    from rich.console import Console
    from rich.progress import Progress

    from fhir_server.validation.sources import Record

    total = size + len(files) * _FILE_COST_BYTES
    done = shown = 0
    with Progress(console=Console(stderr=True), transient=True, auto_refresh=False) as progress:
        task = progress.add_task(f"validate {len(files)} files", total=total)
        for path in files:
            for record in _records(path):
                yield record
                done += len(record.source) if isinstance(record, Record) else 0
                if done - shown > total // 200:
                    shown = done
                    progress.update(task, completed=done, refresh=True)
            done += _FILE_COST_BYTES


def _records(path: Path) -> Iterator["Record | Result"]:
    from fhir_server.validation.sources import records

    return records(path)


command = validate
"""What the command table runs."""
