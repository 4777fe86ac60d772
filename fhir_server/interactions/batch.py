"""batch: each entry by itself; one that fails says so in its own place.

Source: https://hl7.org/fhir/R4/http.html#transaction
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from fhir_server.interactions.answer import Answer
from fhir_server.interactions.bundle_response import (
    ReturnPreference,
    bundle_of_entries,
    response_entry,
)
from fhir_server.interactions.entries import READS, Entry, entries_of, entry_change, parse_entry
from fhir_server.interactions.read_entry import read_entry
from fhir_server.interactions.resumption import ONCE, Resumption
from fhir_server.interactions.server import FhirServer
from fhir_server.interactions.writing.check import check_changes
from fhir_server.interactions.writing.write import run_write, write_changes
from fhir_server.model.issues import Language, Refused, operation_outcome
from fhir_server.model.json_source import encode_json
from fhir_server.store.resources import Connection

Operate = Callable[[Entry, Language], Answer]
"""Carries out the operation that an entry asks for; raises Refused."""


def batch(
    server: FhirServer,
    bundle: dict[str, Any],
    *,
    operate: Operate,
    preference: ReturnPreference = "minimal",
    language: Language = "en",
    lenient: bool = False,
    resumption: Resumption = ONCE,
) -> Answer:
    """Carry out a batch Bundle.

    Shape: the answer's body is a Bundle of type batch-response, its entries in the order sent; what
    `resumption` knows the answer of is not carried out again; `lenient` as in `search`.
    Errors: Refused 400 or 413 where the Bundle itself cannot be read; an entry that cannot says so in its
    own place.
    """
    entries = entries_of(bundle, server.settings.max_bundle_entries)
    resumption.note_total(len(entries))
    answering = _Answering(server, operate, preference, language, lenient)
    answers: list[bytes] = []
    for step, entry in enumerate(entries):
        answer = resumption.answered(step)
        if answer is None:
            keep = partial(resumption.keep, step=step)
            answer = answering.carried_out(entry, f"Bundle.entry[{step}]", keep)
        answers.append(answer)
    return Answer(200, body=bundle_of_entries("batch-response", answers))


@dataclass(frozen=True, slots=True)
class _Answering:
    """How the entries of one batch are answered."""

    server: FhirServer
    operate: Operate
    preference: ReturnPreference
    language: Language
    lenient: bool

    def carried_out(self, sent: Any, at: str, keep: Callable[..., None]) -> bytes:
        """The entry of the response. `keep` has it where something was written."""
        try:
            entry = parse_entry(sent, at, self.server.base_url)
            if entry.is_operation:
                return self._shown(self.operate(entry, self.language))
            return self._read(entry) if entry.method in READS else self._written(entry, keep)
        except Refused as refused:
            outcome = encode_json(operation_outcome(list(refused.issues), self.language))
            return self._shown(Answer(refused.status, body=outcome, issues=refused.issues))

    def _read(self, entry: Entry) -> bytes:
        with self.server.database.transaction() as connection:
            answer = read_entry(
                self.server, connection, entry, language=self.language, lenient=self.lenient
            )
        return self._shown(answer)

    def _written(self, entry: Entry, keep: Callable[..., None]) -> bytes:
        change = entry_change(self.server, entry)
        check_changes(self.server, [change])

        def work(connection: Connection) -> bytes:
            answer = self._shown(write_changes(self.server, connection, [change])[0])
            keep(connection, answer=answer)
            return answer

        return run_write(self.server, work)

    def _shown(self, answer: Answer) -> bytes:
        return response_entry(answer, self.server.base_url, self.preference, self.language)
