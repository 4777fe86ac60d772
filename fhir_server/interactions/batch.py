"""batch: each entry by itself; one that fails says so in its own place.

Source: https://hl7.org/fhir/R4/http.html#transaction
"""

from typing import Any

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.bundle_response import ReturnPreference, response_bundle
from fhir_server.interactions.entries import READS, Entry, entry_change, parse_entries
from fhir_server.interactions.read_entry import read_entry
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.check import check_changes
from fhir_server.interactions.writing.write import run_write, write_changes
from fhir_server.model.issues import Language, Refused, operation_outcome
from fhir_server.model.json_source import encode_json


def batch(
    server: FhirServer,
    bundle: dict[str, Any],
    *,
    preference: ReturnPreference = "minimal",
    language: Language = "en",
) -> Answer:
    """Carry out a batch Bundle.

    Shape: the answer's body is a Bundle of type batch-response, its entries in the order sent.
    Errors: Refused 400 or 413 where the Bundle itself cannot be read.
    """
    entries = parse_entries(bundle, server.base_url, server.settings.max_bundle_entries)
    answers = [_answer(server, entry, language) for entry in entries]
    return Answer(
        200, body=response_bundle("batch-response", answers, server, preference, language)
    )


def _answer(server: FhirServer, entry: Entry, language: Language) -> Answer:
    try:
        if entry.method in READS:
            with server.database.transaction() as connection:
                return read_entry(server, connection, entry)
        change = entry_change(server, entry)
        check_changes(server, [change])
        return run_write(server, lambda connection: write_changes(server, connection, [change])[0])
    except Refused as refused:
        outcome = encode_json(operation_outcome(list(refused.issues), language))
        return Answer(refused.status, body=outcome)
