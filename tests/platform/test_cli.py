import os
import subprocess
import sys
from pathlib import Path

import pytest

from fhir_server.cli import main
from fhir_server.cli.commands import COMMANDS, command_names, first_line, load_command
from fhir_server.cli.main import run
from fhir_server.model.issues import refuse
from fhir_server.operator_error import OperatorError

HEAVY = ("alembic", "fastapi", "jinja2", "psycopg", "pydantic", "rich", "sqlalchemy", "starlette")


def _python(code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help__imports_no_heavy_library() -> None:
    done = _python(
        "import sys; from fhir_server.cli.main import run; run(['--help']);"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_help__line_is_the_first_of_the_command(name: str) -> None:
    assert COMMANDS[name].summary == first_line(load_command(name))


@pytest.mark.parametrize("name", command_names())
def test_help__stands_on_each_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert f"Usage: osteon {name}" in capsys.readouterr().out


def test_version__is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("osteon ")


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["serve", "--fast"], ["completion", "tcsh"], []]
)
def test_run__usage_fault_ends_with_2(arguments: list[str]) -> None:
    assert run(arguments) == 2


@pytest.mark.parametrize(
    ("fault", "code", "line"),
    [
        (OperatorError("The disk is full."), 3, "osteon: The disk is full.\n"),
        (refuse(400, "json-not-a-resource", "invalid"), 1, "osteon: A FHIR resource is"),
        (FileNotFoundError(2, "No such file", "x.json"), 3, "osteon: x.json: No such file\n"),
        (ValueError("a\nb"), 3, "osteon: a fault of Osteon itself: ValueError: a b (OSTEON_DEBUG"),
    ],
)
def test_run__fault_is_one_line(
    fault: Exception,
    code: int,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail() -> None:
        raise fault

    monkeypatch.delenv("OSTEON_DEBUG", raising=False)
    monkeypatch.setattr(main, "load_command", lambda _name: fail)
    assert run(["serve"]) == code
    shown = capsys.readouterr().err
    assert shown.startswith(line)
    assert shown.count("\n") == 1


def test_run__debugging_shows_the_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise OperatorError("The disk is full.")

    monkeypatch.setenv("OSTEON_DEBUG", "1")
    monkeypatch.setattr(main, "load_command", lambda _name: fail)
    with pytest.raises(OperatorError):
        run(["serve"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [("osteon se", ["serve", "settings"]), ("osteon db ", ["upgrade", "status"])],
)
def test_completion__bash_is_offered_commands(words: str, expected: list[str]) -> None:
    done = _python(
        "from fhir_server.cli.main import main; main()",
        _OSTEON_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(words.count(" ")),
    )
    assert done.stdout.split() == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion__script_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert "_OSTEON_COMPLETE" in capsys.readouterr().out


def test_db__upgrade_then_status_on_the_embedded_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OSTEON_DATABASE_URL", raising=False)
    monkeypatch.setenv("OSTEON_DATA_DIR", str(tmp_path))
    assert run(["db", "status"]) == 3
    assert run(["db", "upgrade"]) == 0
    assert run(["db", "status"]) == 0
    assert "the newest is" in capsys.readouterr().out
