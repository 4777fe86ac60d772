"""Transactions that overlap, in crossing orders: none may fail, no update may be lost."""

import itertools
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.platform.served import Served
from tests.soak.traffic import patient, put_entry, send, transaction, version_numbers

WRITERS = 12
NAMES = [f"cross{number}" for number in range(8)]


def cross(server: Served, goes_on: Callable[[], bool]) -> Counter[int]:
    """Write until told to stop, then check every history.

    Shape: how often each status was answered.
    """
    for name in NAMES:
        send(server, "PUT", f"Patient/{name}", patient(name))
    before = {name: len(version_numbers(server, name)) for name in NAMES}
    numbers = itertools.count(1)

    def write(writer: int) -> tuple[Counter[int], Counter[str]]:
        statuses: Counter[int] = Counter()
        written: Counter[str] = Counter()
        while goes_on():
            number = next(numbers)
            # Steps of 1, 3 and 5 are coprime to 8: three different names, in an order of the writer's own.
            step = (1, 3, 5)[writer % 3]
            chosen = [NAMES[(number + step * place) % len(NAMES)] for place in range(3)]
            if writer % 2:
                chosen.reverse()
            entries = [put_entry(patient(name, multipleBirthInteger=number)) for name in chosen]
            status, _ = send(server, "POST", "", transaction(entries))
            statuses[status] += 1
            if status == 200:
                written.update(chosen)
        return statuses, written

    with ThreadPoolExecutor(WRITERS) as threads:
        counted = list(threads.map(write, range(WRITERS)))
    statuses = sum((one for one, _ in counted), Counter[int]())
    written = sum((one for _, one in counted), Counter[str]())
    for name in NAMES:
        found = version_numbers(server, name)
        assert found == list(range(len(found), 0, -1)), f"{name} has gaps: {found[:20]}"
        assert len(found) - before[name] == written[name], f"{name} lost an update"
    return statuses
