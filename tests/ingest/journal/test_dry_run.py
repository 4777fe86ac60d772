import json
from pathlib import Path

import pytest

from fhir_server.cli.main import run
from fhir_server.store.database import Database
from ingest.mapping.library import mappings_folder
from tests.ingest.journal_rows import rows
from tests.ingest.worker.conftest import journal

MESSAGES = Path(__file__).parent.parent / "mapping" / "messages"


@pytest.fixture
def filled(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    monkeypatch.setenv("OSTEON_DATABASE_URL", database.url)
    names = ("adt_a01_pam_fr", "oru_r01_narrative")
    return journal(database, *((MESSAGES / f"{name}.hl7").read_bytes() for name in names))


def tried(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert run(["hl7v2", "map", "--dry-run", "--mappings", str(folder), *options]) == 0
    return capsys.readouterr().out


def test_dry_run__tells_what_changed_maps_would_do_and_stores_nothing(
    filled: list[int],
    database: Database,
    own_maps: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("OSTEON_MAPPINGS_DIR")
    before = rows(database)
    codes = own_maps / "codes" / "administrative-sex.yaml"
    text = codes.read_text()
    codes.write_text("\n".join(line for line in text.splitlines() if "F:" not in line))
    segment = own_maps / "segments" / "PID.yaml"
    kept = [line for line in segment.read_text().splitlines() if "to: birthDate" not in line]
    segment.write_text("\n".join(kept))
    told = json.loads(tried(own_maps, capsys, "--format", "json"))
    assert told["messages"] == 2
    assert {
        key: value for key, value in told["outcomes"][0].items() if key in {"before", "messages"}
    } == {"before": "stored", "messages": 2}
    changes = {(one["change"], one["path"]): one["examples"] for one in told["elements"]}
    assert changes["removed", "Patient.birthDate"] == filled
    assert rows(database) == before
    lines = tried(own_maps, capsys).splitlines()
    assert lines[0] == "2 messages, 0 without a difference"


def test_dry_run__same_maps_differ_in_nothing(
    filled: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = mappings_folder()
    assert tried(folder, capsys) == "2 messages, 2 without a difference\n"
    assert tried(folder, capsys, "--since", "2100-01-01") == "0 messages, 0 without a difference\n"
    assert tried(folder, capsys, "--type", "ADT^A01").startswith("1 messages")
    french = tried(folder, capsys, "--lang", "fr")
    assert french == "Messages : 2, dont sans différence : 2\n"


def test_dry_run__broken_map_ends_with_2(filled: list[int], own_maps: Path) -> None:
    (own_maps / "codes" / "unit.yaml").write_text("nonsense: [")
    assert run(["hl7v2", "map", "--dry-run", "--mappings", str(own_maps)]) == 2


def test_map__without_files_ends_with_2() -> None:
    assert run(["hl7v2", "map"]) == 2
