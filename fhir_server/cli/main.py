"""`osteon`: the command line. Faults end as one clear line; `OSTEON_DEBUG=1` shows the traceback.

Exit codes: 0 done, 1 the input is at fault, 2 the command or a setting is, 3 the system is.
"""

import os
import sys
from typing import Annotated

import typer
from typer import _click as click  # typer carries its own copy and gives its classes no public name
from typer.core import TyperGroup
from typer.main import get_command

from fhir_server.cli.commands import command_names, command_summary, load_command
from fhir_server.cli.issue_line import tell
from fhir_server.model.issues import Refused
from fhir_server.operator_error import OperatorError

EXIT_INPUT = 1
EXIT_USAGE = 2
EXIT_SYSTEM = 3
EXIT_INTERRUPTED = 130
COMPLETION_VARIABLE = "_OSTEON_COMPLETE"


class CommandTable(TyperGroup):
    """The commands of `commands.py`, each imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 — typer's signature
        """The names; nothing is imported."""
        return command_names()

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 — typer's signature
        cmd_name: str,
    ) -> click.Command | None:
        """The command, imported; None where there is none of that name."""
        if cmd_name not in command_names():
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = build_command(cmd_name)
        return self.commands[cmd_name]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command_summary(name)) for name in self.list_commands(ctx)])

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Names of commands that go on from what is typed, without importing them."""
        return [
            click.shell_completion.CompletionItem(name, help=command_summary(name))
            for name in self.list_commands(ctx)
            if name.startswith(incomplete)
        ]


def build_command(name: str) -> click.Command:
    """The command of a name, ready to run or to be described."""
    target = load_command(name)
    if isinstance(target, typer.Typer):
        target.info.name = name
        target.rich_markup_mode = None
        app = target
        app._add_completion = False  # noqa: SLF001 — the flags belong to `osteon` alone
    else:
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name)(target)
    command = get_command(app)
    command.name = name
    return command


def root_command() -> click.Command:
    """`osteon` itself."""
    app = typer.Typer(
        cls=CommandTable,
        add_completion=False,
        rich_markup_mode=None,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Osteon, the FHIR R4 interoperability server of a bone-sarcoma network.",
        epilog="Settings are environment variables; `osteon settings` lists them.",
    )
    app.callback()(_root)
    return get_command(app)


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command line. Shape: gives the exit code; faults stand on stderr."""
    if COMPLETION_VARIABLE in os.environ:
        from typer._completion_classes import completion_init

        completion_init()
    try:
        result = root_command().main(args=arguments, prog_name="osteon", standalone_mode=False)
    except click.exceptions.ClickException as error:
        error.show()
        return EXIT_USAGE
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except Exception as error:
        if _debugging():
            raise
        return _tell(error)
    return result if isinstance(result, int) else 0


def _tell(error: Exception) -> int:
    if isinstance(error, Refused):
        for issue in error.issues:
            tell(issue)
        return EXIT_INPUT
    if isinstance(error, OperatorError):
        _line(str(error))
        return error.exit_code
    if isinstance(error, OSError) and error.filename is not None:
        _line(f"{error.filename}: {error.strerror}")
        return EXIT_SYSTEM
    reason = " ".join(str(error).split())
    _line(
        f"a fault of Osteon itself: {type(error).__name__}: {reason} (OSTEON_DEBUG=1 shows where)"
    )
    return EXIT_SYSTEM


def _line(text: str) -> None:
    sys.stderr.write(f"osteon: {text}\n")


def _debugging() -> bool:
    return os.environ.get("OSTEON_DEBUG", "").lower() in {"1", "true", "yes", "on"}


def _show_version(is_asked: bool) -> None:  # noqa: FBT001 — typer's signature
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"osteon {version('osteon')}")
        raise typer.Exit


def _root(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """Options of `osteon` itself."""


if __name__ == "__main__":
    main()
