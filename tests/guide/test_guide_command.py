from pathlib import Path

import pytest

from fhir_server.cli.main import run


def test_command__writes_the_site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["guide", "build", f"--out={tmp_path / 'out'}"]) == 0
    assert (tmp_path / "out" / "fr" / "index.html").is_file()
    assert "begin with" in capsys.readouterr().err
