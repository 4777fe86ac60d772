"""`make soak-rest`: the proofs of concurrency at their full length, on a server and data of their own."""

import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.platform.served import served
from tests.soak.crossing import cross
from tests.soak.killing import kill_midway
from tests.soak.paging import page_under_writes

KILLS = 50
RESOURCES = 500
ORDERS = ("", "family", "-family", "_id", "-_id")


def main(seconds: float) -> None:
    """Cross for so long, page, kill."""
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder)
        with served(data_dir, OSTEON_WEB_PROCESSES="2", OSTEON_INGEST_WORKERS="0") as server:
            until = time.monotonic() + seconds
            statuses = cross(server, lambda: time.monotonic() < until)
            assert set(statuses) == {200}, statuses
            _tell(f"crossing transactions, {seconds:.0f} s: {statuses[200]}, all answered 200, "
                  "no update lost, no gap")  # fmt: skip
            read = page_under_writes(server, ORDERS, RESOURCES)
            _tell(f"paging under writes, {len(ORDERS)} orders: {read} resources, each once")
        with served(data_dir, OSTEON_INGEST_WORKERS="0") as server:
            seed = secrets.randbelow(2**32)
            _tell(f"seed {seed}")
            tally = kill_midway(server, KILLS, seed)
            _tell(f"{KILLS} kills: {tally.answered} transactions answered, all present; "
                  f"{tally.lost_but_stored + tally.lost_and_absent} answers lost, of these "
                  f"{tally.lost_but_stored} stored whole, {tally.lost_and_absent} not at all")  # fmt: skip


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 60)
