"""`osteon hl7v2`: HL7 v2 messages from the command line. Each command is imported when it is used."""

from collections.abc import Mapping
from importlib import import_module

import typer
from typer import _click as click  # typer carries its own copy and gives its classes no public name
from typer.core import TyperGroup
from typer.main import get_command

COMMANDS: Mapping[str, tuple[str, str]] = {
    "send": ("ingest.cli.send:send", "Send the messages of files over MLLP and print each answer."),
    "load": (
        "ingest.cli.load:load",
        "Put the messages of files into the journal; workers store them.",
    ),
    "check": (
        "ingest.cli.check:check",
        "Report on a centre's sample messages before it is connected.",
    ),
    "map": (
        "ingest.mapping.cli:map_files",
        "Translate messages to FHIR and print what they become.",
    ),
    "journal": ("ingest.cli.journal:app", "Look into the journal, replay and revise messages."),
    "worklist": ("ingest.cli.worklist:app", "See why messages are held, and release them."),
}
"""Name → where the command stands, and its line in the help."""


class LazyCommands(TyperGroup):
    """The commands of the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 — typer's signature
        """The names; nothing is imported."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 — typer's signature
        cmd_name: str,
    ) -> click.Command | None:
        """The command, imported; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _build(cmd_name)
        return self.commands[cmd_name]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])


def _build(name: str) -> click.Command:
    module, _, attribute = COMMANDS[name][0].partition(":")
    target = getattr(import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name)(target)
        target = app
    target._add_completion = False  # noqa: SLF001 — the flags belong to `osteon` alone
    command = get_command(target)
    command.name = name
    return command


app = typer.Typer(
    cls=LazyCommands,
    help="Send, try and look after HL7 v2 messages.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def hl7v2() -> None:
    """Send, try and look after HL7 v2 messages."""
