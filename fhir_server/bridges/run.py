"""A crossing: the files that a bridge makes of records, with a manifest of counts, hashes and losses."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from fhir_server.bridges.definition import Bridge
from fhir_server.bridges.pseudonyms import Pseudonyms, pseudonymised
from fhir_server.bridges.records import Records
from fhir_server.bridges.rewriting import write_resources
from fhir_server.bridges.tables import write_tables


@dataclass(frozen=True, slots=True)
class Crossing:
    """Files by name, and how often what was lost, by element or column."""

    files: Mapping[str, bytes]
    lost: Counter[str]


def cross(bridge: Bridge, records: Records, names: Pseudonyms) -> Crossing:
    """Take records over a bridge, under pseudonyms. The manifest is the file `manifest.json`.

    What was entered in error, cancelled, refuted or not done does not cross; profiles of which nothing does
    are counted among what is lost.
    """
    write = write_tables if bridge.tables else write_resources
    standing, withdrawn = records.holding()
    files, lost = write(bridge, pseudonymised(standing, names))
    for profile in standing.profiles() - bridge.crossing:
        lost[profile] += len(standing.of_profile(profile))
    manifest = {
        "bridge": bridge.name,
        "source": bridge.source,
        "partner": names.partner,
        "records": len(records),
        "withdrawn": withdrawn,
        "files": {
            name: {
                "sha256": hashlib.sha256(content).hexdigest(),
                "rows": _rows(name, content),
            }
            for name, content in files.items()
        },
        "lost here": dict(sorted((+lost).items())),
        "lost always": {each.what: each.why for each in bridge.lost},
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    return Crossing({**files, "manifest.json": text.encode()}, +lost)


def _rows(name: str, content: bytes) -> int:
    """Rows of a table without its heading, entries of a Bundle."""
    if name.endswith(".csv"):
        return content.count(b"\n") - 1
    return len(json.loads(content)["entry"])
