"""Pages read while others write: what is there from the first page to the last comes exactly once."""

import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.platform.served import Served
from tests.soak.traffic import next_path, patient, put_entry, send, transaction

WRITERS = 3
PAGE = 7


def page_under_writes(server: Served, orders: Sequence[str], resources: int) -> int:
    """Read all pages once in each order while resources are made, changed and deleted.

    Shape: how many resources were read in all.
    """
    # Each family name three times, so that the order has ties.
    kept = {f"page{number}": f"f{number // 3:04d}" for number in range(resources)}
    _store(server, kept)
    _store(server, {f"gone{number}": f"f{number:04d}" for number in range(resources)})
    stop = threading.Event()
    numbers = itertools.count()
    read = 0

    def write(_: int) -> None:
        while not stop.is_set():
            number = next(numbers)
            name = f"page{number % resources}"
            changed = patient(name, name=[{"family": kept[name]}], multipleBirthInteger=number)
            made = patient(f"made{number}", name=[{"family": f"f{number % resources:04d}"}])
            _must(send(server, "PUT", f"Patient/{name}", changed), 200)
            _must(send(server, "PUT", f"Patient/made{number}", made), 201)
            if number < resources:
                _must(send(server, "DELETE", f"Patient/gone{number}"), 204)

    with ThreadPoolExecutor(WRITERS) as threads:
        running = [threads.submit(write, writer) for writer in range(WRITERS)]
        try:
            for order in orders:
                found = _pages(server, order)
                assert len(found) == len(set(found)), f"{order}: a resource came twice"
                missing = kept.keys() - set(found)
                assert not missing, f"{order}: missed {sorted(missing)}"
                read += len(found)
        finally:
            stop.set()
        for writer in running:
            writer.result()
    return read


def _pages(server: Served, order: str) -> list[str]:
    found: list[str] = []
    path = f"Patient?_count={PAGE}" + (f"&_sort={order}" if order else "")
    while path:
        status, page = send(server, "GET", path)
        assert status == 200
        found += [entry["resource"]["id"] for entry in page.get("entry", ())]
        path = next_path(page)
    return found


def _store(server: Served, families: dict[str, str]) -> None:
    entries = [
        put_entry(patient(name, name=[{"family": family}])) for name, family in families.items()
    ]
    _must(send(server, "POST", "", transaction(entries)), 200)


def _must(answer: tuple[int, object], status: int) -> None:
    assert answer[0] == status, answer
