"""batch: each entry by itself; one that fails says so in its own place.

Source: https://hl7.org/fhir/R4/http.html#transaction
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.bundle_response import (
    ReturnPreference,
    bundle_of_entries,
    response_entry,
)
from fhir_server.interactions.entries import READS, Entry, entry_change, parse_entries
from fhir_server.interactions.read_entry import read_entry
from fhir_server.interactions.resumption import ONCE, Resumption
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.check import check_changes
from fhir_server.interactions.writing.write import run_write, write_changes
from fhir_server.model.issues import Language, Refused, operation_outcome
from fhir_server.model.json_source import encode_json
from fhir_server.store.resources import Connection


def batch(
    server: FhirServer,
    bundle: dict[str, Any],
    *,
    preference: ReturnPreference = "minimal",
    language: Language = "en",
    resumption: Resumption = ONCE,
) -> Answer:
    """Carry out a batch Bundle.

    Shape: the answer's body is a Bundle of type batch-response, its entries in the order sent; what
    `resumption` knows the answer of is not carried out again.
    Errors: Refused 400 or 413 where the Bundle itself cannot be read.
    """
    entries = parse_entries(bundle, server.base_url, server.settings.max_bundle_entries)
    resumption.note_total(len(entries))
    answers: list[bytes] = []
    for step, entry in enumerate(entries):
        answer = resumption.answered(step)
        if answer is None:
            answer = _carried_out(
                server, entry, language, preference, partial(resumption.keep, step=step)
            )
        answers.append(answer)
    return Answer(200, body=bundle_of_entries("batch-response", answers))


def _carried_out(
    server: FhirServer,
    entry: Entry,
    language: Language,
    preference: ReturnPreference,
    keep: Callable[..., None],
) -> bytes:
    """The entry of the response. `keep` has it where something was written."""

    def shown(answer: Answer) -> bytes:
        return response_entry(answer, server.base_url, preference, language)

    def work(connection: Connection) -> bytes:
        answer = shown(write_changes(server, connection, [change])[0])
        keep(connection, answer=answer)
        return answer

    try:
        if entry.method in READS:
            with server.database.transaction() as connection:
                return shown(read_entry(server, connection, entry))
        change = entry_change(server, entry)
        check_changes(server, [change])
        return run_write(server, work)
    except Refused as refused:
        outcome = encode_json(operation_outcome(list(refused.issues), language))
        return shown(Answer(refused.status, body=outcome))
