"""Validation beside its rivals: the official examples, a conforming Condition, Bundles of growing size, a
cold start.

`pyfhircheck` 0.2.0 is the fastest open validator in Python that checks profiles; where it is not
installed (`make bench` installs it) its columns stay empty. Times are process time, the best of some
rounds on either side, so that a busy machine tells least; over the examples the median of these. Bundles are
timed in turns over equal work, since the best of short runs would stand beside the mean of long ones.
"""

import gzip
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from fhir_server.collector import spare_what_stays
from fhir_server.definitions import core_definitions
from fhir_server.definitions.fetch import fetch_package
from fhir_server.definitions.packages import network_definitions, network_package
from fhir_server.model.json_source import encode_json, parse_json
from fhir_server.validation import Validator

EXAMPLES = Path(__file__).parents[2] / "shared" / "conformance" / "r4-examples"
SAMPLE = 90
"""The rival takes milliseconds: a sample, every n-th example, for either side keeps the run short."""

BUNDLE_ROUNDS = 9
"""Each times ten Bundles of 1,000 entries, then one of 10,000: as much work on either side, on data as far
from the processor's cache, and the pace of the machine, which changes within seconds, as likely to favour
one as the other. The same small Bundle ten times stays in the cache, and no server gets it so.
"""

COLD_START = """
import time
start = time.perf_counter()
from fhir_server.definitions import core_definitions
from fhir_server.validation import Validator
valid = Validator(core_definitions()).accepts(
    {"resourceType": "Patient", "gender": "female", "name": [{"family": "Example"}]}
)
elapsed = time.perf_counter() - start
import psutil
print(elapsed, psutil.Process().memory_info().rss / 1e6, valid)
"""


def main() -> None:
    _examples()
    _condition()
    _bundles()
    _cold_start()


def _best_us(run: Callable[[], object], rounds: int = 5) -> float:
    run()
    times = []
    for _ in range(rounds):
        start = time.process_time_ns()
        run()
        times.append((time.process_time_ns() - start) / 1000)
    return min(times)


def _examples() -> None:
    path = EXAMPLES / "instances.ndjson.gz"
    if not path.exists():
        print("official examples: not at hand")
        return
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        sources = [json.loads(line)["json"].encode() for line in lines]
    sources = sources[:: max(1, len(sources) // SAMPLE)]
    resources = [parse_json(source) for source in sources]
    validator = Validator(core_definitions())
    rival = _rival()
    accept, explain, theirs = list[float](), list[float](), list[float]()
    for source, resource in zip(sources, resources, strict=True):
        # Side by side for each example: the pace of a shared machine changes within a run.
        accept.append(_best_us(partial(validator.accepts, resource)))
        explain.append(_best_us(partial(validator.validate, resource)))
        if rival is not None:
            theirs.append(_best_us(partial(rival, json.loads(source)), 3))
    verdict, issues = statistics.median(accept), statistics.median(explain)
    print(
        f"{'official examples, median':34}{verdict:10.0f} µs verdict {issues:10.0f} µs with all issues"
    )
    if not theirs:
        print("pyfhircheck is not installed: no comparison")
        return
    other = statistics.median(theirs)
    print(f"{'  pyfhircheck 0.2.0':34}{other:10.0f} µs  ratio {other / verdict:.0f}× verdict, "
          f"{other / issues:.1f}× with all issues")  # fmt: skip


def _rival() -> Callable[[Any], object] | None:
    """The rival with the same R4 package loaded, its trace on standard output kept quiet."""
    try:
        package, config = import_module("pyfhircheck"), import_module("pyfhircheck.config")
    except ImportError:
        return None
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "hl7.fhir.r4.core.tgz"
        archive.write_bytes(fetch_package())
        settings = config.ValidatorConfig(
            local_package_paths=[str(archive)], package_cache_dir=f"{folder}/packages"
        )
        validate = package.Validator(settings).validate_resource
        quiet = io.StringIO()
        with redirect_stdout(quiet), redirect_stderr(quiet):
            validate({"resourceType": "Patient"})

    def run(resource: Any) -> object:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            return validate(resource)

    return run


def _condition() -> None:
    from fhir.resources.R4B.condition import Condition

    profile = b"/StructureDefinition/primary-bone-tumour"
    paths = sorted((network_package() / "examples" / "valid").glob("*.json"))
    source = next(content for path in paths if profile in (content := path.read_bytes()))
    resource = parse_json(source)
    validator = Validator(network_definitions())
    assert validator.accepts(resource)
    ours = _best_us(lambda: validator.accepts(resource), 50)
    theirs = _best_us(lambda: Condition.model_validate_json(source), 50)
    print(f"{'conforming Condition, verdict':34}{ours:10.0f} µs  fhir.resources parse {theirs:.0f} µs  "
          f"ratio {theirs / ours:.1f}×")  # fmt: skip


def bundle_of(count: int) -> dict[str, Any]:
    """A collection of Observations, each referring to the Patient of another entry."""
    entries: list[dict[str, Any]] = []
    for number in range(count // 2):
        patient = f"urn:uuid:00000000-0000-4000-8000-{number:012x}"
        entries.append(
            {"fullUrl": patient, "resource": {"resourceType": "Patient", "gender": "female"}}
        )
        entries.append({
            "fullUrl": f"urn:uuid:00000000-0000-4000-9000-{number:012x}",
            "resource": {"resourceType": "Observation", "status": "final", "code": {"text": "x"},
                         "subject": {"reference": patient}},
        })  # fmt: skip
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _bundles() -> None:
    validator = Validator(core_definitions())
    # As the processes of the product do that validate Bundles.
    spare_what_stays()
    small = [parse_json(encode_json(bundle_of(1000))) for _ in range(10)]
    large = parse_json(encode_json(bundle_of(10_000)))
    assert all(validator.accepts(bundle) for bundle in [*small, large])
    runs: list[tuple[str, Callable[[Any], object]]] = [
        ("verdict", validator.accepts),
        ("all issues", validator.validate),
    ]
    for name, run in runs:
        ones, tens, ratios = list[float](), list[float](), list[float]()
        for _ in range(BUNDLE_ROUNDS):
            ones.append(_process_ms(run, small) / 10)
            tens.append(_process_ms(run, [large]))
            ratios.append(tens[-1] / ones[-1])
        print(f"{f'Bundle of 10,000 entries, {name}':36}{statistics.median(tens):8.0f} ms  1,000 entries "
              f"{statistics.median(ones):.0f} ms  ratio {statistics.median(ratios):.1f} "
              f"({min(ratios):.1f}–{max(ratios):.1f})")  # fmt: skip


def _process_ms(run: Callable[[Any], object], resources: list[Any]) -> float:
    start = time.process_time_ns()
    for resource in resources:
        run(resource)
    return (time.process_time_ns() - start) / 1e6


def _cold_start() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COLD_START], capture_output=True, text=True, check=True
    )
    seconds, megabytes, _ = done.stdout.split()
    print(
        f"{'cold start to the first verdict':34}{float(seconds):10.2f} s  {float(megabytes):.0f} MB"
    )


if __name__ == "__main__":
    main()
