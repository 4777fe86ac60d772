"""The table of commands: a name, where the command stands, and its line in `osteon --help`.

A command is a function, or a `typer.Typer` with commands of its own. It is imported when it is run, so
that the help and the completion of the whole stay quick. Packages add commands by the entry point
group `osteon.commands`: the object reference is the command, the first line of its docstring its help.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import typer

    Target = Callable[..., Any] | typer.Typer

ENTRY_POINT_GROUP = "osteon.commands"


@dataclass(frozen=True, slots=True)
class CommandEntry:
    """Where a command stands, as `module:attribute`, and what it does, in a line."""

    target: str
    summary: str


COMMANDS: Mapping[str, CommandEntry] = {
    "serve": CommandEntry("fhir_server.cli.serve:serve", "Start the server and all it needs."),
    "demo": CommandEntry(
        "fhir_server.cli.demo:command", "Make a synthetic network and send it to a server."
    ),
    "db": CommandEntry("fhir_server.cli.db:app", "Look after the tables of the database."),
    "explain": CommandEntry(
        "fhir_server.cli.explain:command", "Show how a search is carried out, without its values."
    ),
    "reindex": CommandEntry(
        "fhir_server.cli.reindex:command", "Make the search index anew for what is stored."
    ),
    "fhirpath": CommandEntry(
        "fhir_server.cli.fhirpath:command",
        "Evaluate a FHIRPath expression on a file; one result a line, as JSON.",
    ),
    "validate": CommandEntry(
        "fhir_server.cli.validate:command", "Validate resources, Bundles and NDJSON files."
    ),
    "snapshot": CommandEntry(
        "fhir_server.cli.snapshot:command",
        "Work out the snapshot of a profile from its differential.",
    ),
    "package": CommandEntry(
        "fhir_server.cli.package:app", "Install, list, remove and build FHIR packages."
    ),
    "guide": CommandEntry("fhir_server.cli.guide:app", "Build the implementation guide."),
    "bridge": CommandEntry(
        "fhir_server.cli.bridge:command", "Write records in the form of another data model."
    ),
    "terminology": CommandEntry(
        "fhir_server.cli.terminology:app", "Load code systems, value sets and concept maps."
    ),
    "settings": CommandEntry(
        "fhir_server.cli.settings:settings", "List the settings, their values and what they mean."
    ),
    "completion": CommandEntry(
        "fhir_server.cli.completion:completion", "Print the completion script of a shell."
    ),
}


def command_names() -> list[str]:
    """The names of all commands: ours in their order, then those of other packages."""
    return [*COMMANDS, *(name for name in _entry_points() if name not in COMMANDS)]


def command_summary(name: str) -> str:
    """The line of a command in the help."""
    entry = COMMANDS.get(name)
    return entry.summary if entry else first_line(load_command(name))


def load_command(name: str) -> "Target":
    """The command itself. Cost: imports its module."""
    entry = COMMANDS.get(name)
    if entry is None:
        loaded: Target = _entry_points()[name].load()
        return loaded
    module, _, attribute = entry.target.partition(":")
    target: Target = getattr(import_module(module), attribute)
    return target


def first_line(target: "Target") -> str:
    """The first line of what a command says about itself."""
    info = getattr(target, "info", None)
    text = (getattr(info, "help", None) if info else target.__doc__) or ""
    return str(text).strip().split("\n", 1)[0]


@cache
def _entry_points() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}
