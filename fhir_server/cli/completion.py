"""`osteon completion`: the script by which a shell completes `osteon`."""

from typing import Annotated, Literal

import typer


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], typer.Argument(help="The shell.")],
) -> None:
    """Print the completion script of a shell.

    In bash: `eval "$(osteon completion bash)"`, once or in ~/.bashrc; in zsh alike; in fish:
    `osteon completion fish | source`.
    """
    from typer._completion_shared import get_completion_script

    typer.echo(
        get_completion_script(prog_name="osteon", complete_var="_OSTEON_COMPLETE", shell=shell)
    )
