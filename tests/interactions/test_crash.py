"""The server killed in the midst of transactions; `make soak-rest` does it fifty times."""

from pathlib import Path

from tests.platform.served import served
from tests.soak.killing import kill_midway


def test_transactions__of_a_killed_server_are_whole_or_absent(tmp_path: Path) -> None:
    with served(tmp_path, OSTEON_INGEST_WORKERS="0") as server:
        tally = kill_midway(server, 2, seed=4)
    assert tally.answered + tally.lost_but_stored + tally.lost_and_absent > 0
