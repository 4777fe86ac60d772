"""The dictionary by which bodies are stored: trained, and measured on what it was not trained on.

    python -m benchmarks.body_dictionary [file]

Learns from half of the demo network, of the network's own examples and of the R4 examples; tells what the
dictionary in use makes of the other halves, and writes a new one where a file is named.
"""

import gzip
import json
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fhir_server.demo.write import write_network
from fhir_server.model.json_source import JsonSyntaxError, encode_json, parse_json
from fhir_server.store.bodies import packed, train_dictionary, unpacked

SIZE_BYTES = 32 * 1024
LARGEST_BYTES = 20_000
"""Larger examples are not typical of what is stored one by one."""

_EXAMPLES = Path("profiles/examples")
_R4_EXAMPLES = Path("../shared/conformance/r4-examples/instances.ndjson.gz")


def main() -> None:
    """Measure; train where a file is named."""
    samples = {
        "demo network": list(_network()),
        "our examples": list(
            _bodies(path.read_bytes() for path in sorted(_EXAMPLES.rglob("*.json")))
        ),
        "R4 examples": list(_bodies(_lines(_R4_EXAMPLES))),
    }
    if len(sys.argv) > 1:
        learnt = [body for bodies in samples.values() for body in bodies[::2]]
        Path(sys.argv[1]).write_bytes(train_dictionary(learnt, SIZE_BYTES))
    for name, bodies in samples.items():
        unseen = bodies[1::2]
        if unseen:
            _measure(name, unseen)


def _measure(name: str, bodies: list[bytes]) -> None:
    began = time.process_time()
    stored = [packed(body) for body in bodies]
    halfway = time.process_time()
    assert [unpacked(body) for body in stored] == bodies
    ended = time.process_time()
    plain, small = sum(map(len, bodies)), sum(map(len, stored))
    print(
        f"{name:<14} {len(bodies):6} bodies of {plain / len(bodies):6.0f} bytes   "
        f"stored {small / plain:.3f}   packed {(halfway - began) / len(bodies) * 1e6:4.1f} µs   "
        f"unpacked {(ended - halfway) / len(bodies) * 1e6:4.1f} µs"
    )


def _network() -> Iterator[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        write_network(Path(folder), 1, 60)
        for line in (Path(folder) / "bundles.ndjson").read_bytes().splitlines():
            yield from (_stamped(entry["resource"]) for entry in json.loads(line)["entry"])


def _lines(path: Path) -> Iterable[bytes]:
    lines = gzip.decompress(path.read_bytes()).splitlines() if path.exists() else ()
    return (json.loads(line)["json"].encode() for line in lines)


def _bodies(sources: Iterable[bytes]) -> Iterator[bytes]:
    for source in sources:
        try:
            resource = parse_json(source)
        except JsonSyntaxError:
            continue
        if isinstance(resource, dict) and "resourceType" in resource:
            body = _stamped(resource)
            if len(body) <= LARGEST_BYTES:
                yield body


def _stamped(resource: dict[str, Any]) -> bytes:
    """As the server would write it."""
    meta = {"versionId": "1", "lastUpdated": "2026-01-01T12:00:00.000Z", **resource.get("meta", {})}
    rest = {n: v for n, v in resource.items() if n not in {"resourceType", "id", "meta"}}
    kind = resource["resourceType"]
    return encode_json({"resourceType": kind, "id": resource.get("id", ""), "meta": meta, **rest})


if __name__ == "__main__":
    main()
