"""Validation of many records by several processes: results in the order of the input, memory flat.

Each process builds its own validator once. Records travel in batches, and only a few batches are under
way at a time, so that an input of any length needs the memory of those.
"""

import multiprocessing
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor

from fhir_server.collector import spare_what_stays
from fhir_server.validation.sources import Record, Result, validate_record
from fhir_server.validation.validator import Validator

BATCH_RECORDS = 64
BATCH_BYTES = 1024 * 1024
_WAITING_PER_JOB = 3

MakeValidator = Callable[[], Validator]
Batch = list[Record | Result]

_state: dict[str, tuple[Validator, tuple[str, ...]]] = {}
"""What a process that validates keeps between batches."""


def validate_all(
    records: Iterable[Record | Result],
    make_validator: MakeValidator,
    profiles: tuple[str, ...],
    jobs: int,
) -> Iterator[Result]:
    """The results of all records, in order; with one job within this process.

    Shape: `make_validator` is called once in each process; where processes are not forked it must be
    picklable.
    """
    if jobs <= 1:
        validator = make_validator()
        for record in records:
            yield _validated(record, validator, profiles)
        return
    method = "fork" if sys.platform == "linux" else "spawn"
    with ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context(method),
        initializer=_begin,
        initargs=(make_validator, profiles),
    ) as pool:
        waiting: deque[Future[list[Result]]] = deque()
        try:
            for batch in _batches(records):
                waiting.append(pool.submit(_validate_batch, batch))
                if len(waiting) >= jobs * _WAITING_PER_JOB:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _begin(make_validator: MakeValidator, profiles: tuple[str, ...]) -> None:
    _state["own"] = make_validator(), profiles
    spare_what_stays()


def _validate_batch(batch: Batch) -> list[Result]:
    validator, profiles = _state["own"]
    return [_validated(record, validator, profiles) for record in batch]


def _validated(record: Record | Result, validator: Validator, profiles: tuple[str, ...]) -> Result:
    if isinstance(record, Result):
        return record
    return validate_record(record, validator, profiles)


def _batches(records: Iterable[Record | Result]) -> Iterator[Batch]:
    batch: Batch = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record.source) if isinstance(record, Record) else 0
        if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
