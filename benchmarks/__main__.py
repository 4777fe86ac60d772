"""`python -m benchmarks [NAME…]`: run all benchmarks, or those named."""

import sys
from importlib import import_module

BENCHMARKS = {
    "validation": "Validation: examples, a Condition, Bundles, cold start, beside pyfhircheck",
    "fhirpath": "FHIRPath: the search parameters of Patient, beside fhirpathpy",
    "rest": "FHIR over HTTP: import, create, read, disk, beside PostgreSQL alone",
    "search": "FHIR searches in a small and a large network, beside the best SQL by hand",
    "mapping": "HL7 v2: a 60-OBX report to its Bundle, beside a walk over its leaves",
    "ingest": "HL7 v2: reading all fields, beside hl7apy and python-hl7; MLLP to the journal and ACK",
}
"""Name of the module in this folder → what it measures. Each has a `main()`."""


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.stderr.write(
            f"benchmarks: no {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}\n"
        )
        return 2
    for name in names or BENCHMARKS:
        print(f"== {BENCHMARKS[name]}")
        import_module(f"benchmarks.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
