"""transaction: all entries of a Bundle, or none.

Source: https://hl7.org/fhir/R4/http.html#transaction
"""

import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from msgspec import structs

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.bundle_response import ReturnPreference, response_bundle
from fhir_server.interactions.entries import READS, Entry, entry_change, parse_entries
from fhir_server.interactions.read_entry import read_entry
from fhir_server.interactions.resumption import ONCE, Resumption
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.change import Change
from fhir_server.interactions.writing.check import check_changes
from fhir_server.interactions.writing.write import run_write, write_changes
from fhir_server.model.issues import Issue, Language, Refused, error
from fhir_server.model.json_source import encode_json
from fhir_server.store.receipts import find_receipt, lock_receipt, store_receipt
from fhir_server.store.resources import Connection

Also = Callable[[Connection, Sequence[Answer]], None]
"""Work done in the transaction's own database transaction, with the answers of its entries."""

_WHILE_RESUMED = timedelta(days=366)
"""How old the answer of an earlier attempt may be."""


def transaction(
    server: FhirServer,
    bundle: dict[str, Any],
    *,
    preference: ReturnPreference = "minimal",
    language: Language = "en",
    lenient: bool = False,
    also: Also | None = None,
    resumption: Resumption = ONCE,
) -> Answer:
    """Carry out a transaction Bundle.

    Shape: the answer's body is a Bundle of type transaction-response, its entries in the order sent.
    A Bundle with unconditional creates that comes a second time, alike to the last value, gets the
    answer of the first time and stores nothing: it was sent again, not meant again. So does any that
    `resumption` has a name for.
    Errors: Refused with the status of the first bad entry and the issues of all that were found;
    nothing is stored then.
    """
    entries = parse_entries(bundle, server.base_url, server.settings.max_bundle_entries)
    _check_no_operation(entries)
    changes = _changes(server, entries)
    check_changes(server, changes)
    kept = timedelta(seconds=server.settings.receipt_window_s)
    digest = _digest(bundle) if any(_is_plain_create(change) for change in changes) else None
    if resumption.name is not None and (digest is None or not kept):
        digest, kept = resumption.name, _WHILE_RESUMED

    def work(connection: Connection) -> Answer:
        receipt = _receipt(connection, digest, kept)
        if receipt is not None:
            if also is not None:
                also(connection, ())
            return Answer(200, body=receipt)
        answers = {
            change.at: answer
            for change, answer in zip(
                changes, write_changes(server, connection, changes), strict=True
            )
        }
        for entry in entries:
            if entry.method in READS:
                answers[entry.at] = _read(server, connection, entry, language, lenient=lenient)
        in_order = [answers[entry.at] for entry in entries]
        body = response_bundle("transaction-response", in_order, server, preference, language)
        if digest is not None:
            store_receipt(connection, digest, body)
        if also is not None:
            also(connection, in_order)
        return Answer(200, body=body)

    return run_write(server, work)


def _read(
    server: FhirServer, connection: Connection, entry: Entry, language: Language, *, lenient: bool
) -> Answer:
    """The answer to an entry that reads. Errors: those of the interaction, naming the entry."""
    try:
        return read_entry(server, connection, entry, language=language, lenient=lenient)
    except Refused as refused:
        at = f"{entry.at}.request.url"
        issues = [structs.replace(issue, expression=at) for issue in refused.issues]
        raise Refused(refused.status, issues) from None


def _receipt(connection: Connection, digest: bytes | None, kept: timedelta) -> bytes | None:
    if digest is None:
        return None
    lock_receipt(connection, digest)
    return find_receipt(connection, digest, kept)


def _check_no_operation(entries: Sequence[Entry]) -> None:
    """Errors: Refused 400: an operation answers for itself, outside the transaction that all share."""
    faults: list[Issue] = [
        error("entry-operation", "not-supported", f"{entry.at}.request.url")
        for entry in entries
        if entry.is_operation
    ]
    if faults:
        raise Refused(400, faults)


def _changes(server: FhirServer, entries: Sequence[Entry]) -> list[Change]:
    changes: list[Change] = []
    faults: list[Issue] = []
    status = 400
    for entry in entries:
        if entry.method in READS:
            continue
        try:
            changes.append(entry_change(server, entry))
        except Refused as refused:
            status = status if faults else refused.status
            faults.extend(refused.issues)
    if faults:
        raise Refused(status, faults)
    return changes


def _is_plain_create(change: Change) -> bool:
    return change.method == "POST" and change.criteria is None


def _digest(bundle: dict[str, Any]) -> bytes:
    return hashlib.sha256(encode_json(bundle)).digest()
