"""Writes a network to files, for loading tests and for reading.

Shape: `bundles.ndjson`, a transaction Bundle a line; `messages.mllp`, HL7 v2 messages in MLLP frames,
each in the character set of its centre; `summary.json`. Both in order of the patients.
Cost: see `benchmarks/demo.py`; several processes share the patients.
"""

import json
import os
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from fhir_server.demo.bundles import centres_bundle
from fhir_server.demo.centres import load_centres
from fhir_server.demo.deliveries import Transaction, deliveries
from fhir_server.demo.mllp import frame
from fhir_server.demo.network import patient
from fhir_server.demo.report import Network
from fhir_server.model.json_source import encode_json

CHUNK = 100
"""Patients that a process writes at a time."""

WORTH_A_PROCESS = 500
"""Patients below which starting processes takes longer than it saves."""


@dataclass(frozen=True, slots=True)
class Written:
    """A stretch of the network, ready to be written."""

    bundles: bytes
    messages: bytes
    network: Network


def write_network(
    folder: Path, seed: int, count: int, progress: Callable[[int], None] = lambda _: None
) -> Network:
    """Write the network and give its counts; `progress` is told how many patients were added."""
    folder.mkdir(parents=True, exist_ok=True)
    network = Network()
    starts = range(1, count + 1, CHUNK)
    with (
        (folder / "bundles.ndjson").open("wb") as bundles,
        (folder / "messages.mllp").open("wb") as messages,
        _processes(count) as pool,
    ):
        bundles.write(encode_json(centres_bundle(load_centres())) + b"\n")
        run = map if pool is None else pool.map
        for part in run(partial(_stretch, seed, count), starts):
            bundles.write(part.bundles)
            messages.write(part.messages)
            network.merge(part.network)
            progress(part.network.patients)
    summary = json.dumps(network.as_json() | {"seed": seed}, indent=2)
    (folder / "summary.json").write_text(summary + "\n", encoding="utf-8")
    return network


def _processes(count: int) -> Executor | nullcontext[None]:
    if count < WORTH_A_PROCESS:
        return nullcontext()
    return ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"))


def _stretch(seed: int, count: int, start: int) -> Written:
    centres = load_centres()
    network = Network()
    bundles: list[bytes] = []
    messages: list[bytes] = []
    for index in range(start, min(start + CHUNK, count + 1)):
        person = patient(seed, index, centres)
        network.add(person)
        for delivery in deliveries(person, centres):
            if isinstance(delivery, Transaction):
                bundles.append(encode_json(delivery.bundle) + b"\n")
            else:
                messages.append(frame(delivery.content))
    return Written(b"".join(bundles), b"".join(messages), network)
