"""`docs/bridges.md`: each bridge with what crosses and what is lost; written by `make docs`."""

import sys
from collections.abc import Iterator
from pathlib import Path

from fhir_server.bridges.definition import Bridge, bridge_names, read_bridge
from fhir_server.definitions.packages import network_package

_HEAD = (
    "# Bridges to other data models\n\n"
    "A bridge takes the network's records to another model and says what is lost on the way. It is a "
    "file below `profiles/bridges/`, in the manner of the HL7 v2 maps: a table has a FHIRPath expression "
    "for each column, a resource keeps elements, renames extensions and translates codes by ConceptMaps "
    "of the package. This page is made from these files.\n\n"
    "`osteon bridge NAME FILE…` takes Bundles and NDJSON files, `osteon bridge NAME --base URL` a server. "
    "`--use partner-sharing` leaves only patients whose last decision on that use, in force today and about "
    "that partner, is a permission, and "
    "who never opposed. Beside the files stands `manifest.json`: counts, hashes, what is lost always and "
    "what was lost here: values that a column had no room for, elements that no column reads, records of "
    "profiles that have no place. What was entered in error, cancelled, refuted or not done stays behind.\n\n"
    "**Pseudonyms.** No number crosses as it is: those of patients, tumours, samples and reports become "
    "keyed hashes, and so do addresses. `--partner curie --key FILE` gives a partner the same "
    "pseudonyms each time, and another partner others; without a key they are new each time. The key "
    "stays in the network, which can make a pseudonym again from its own records and so answer a "
    "question about one; nobody else can go back. National identities, numbers of centres for their "
    "patients, names, addresses, free text and days of birth stay behind. The number of a centre itself "
    "(FINESS) is public and crosses ([decision 8](decisions/0008-pseudonyms-of-each-partner.md)).\n\n"
    "**Targets.** What is made is held against the structure of its target: "
    "`tests/bridges/targets.yaml` states what mCODE and MIABIS ask of each profile, with its source.\n"
)


def page(root: Path | None = None) -> str:
    """The page as it should stand in `docs/`."""
    return "\n".join([_HEAD, *(line for name in bridge_names(root) for line in _section(name))])


def _section(name: str) -> Iterator[str]:
    bridge = read_bridge(name)
    yield f"## {bridge.title['en']}: `{name}`\n"
    yield f"Source: {bridge.source}.\n"
    yield "| what crosses | as | from |"
    yield "|---|---|---|"
    yield from _crossing(bridge)
    yield ""
    yield "| lost | why | pourquoi |"
    yield "|---|---|---|"
    for loss in bridge.lost:
        yield f"| `{loss.what}` | {loss.why['en']} | {loss.why['fr']} |"
    left = sorted(_profiles() - bridge.crossing)
    yield f"\nProfiles of which nothing crosses: {', '.join(f'`{each}`' for each in left)}.\n"


def _crossing(bridge: Bridge) -> Iterator[str]:
    for table in bridge.tables:
        columns = ", ".join(f"`{column.to}`" for column in table.columns)
        yield f"| table `{table.name}` | {columns} | {', '.join(f'`{e}`' for e in table.each)} |"
    for rule in bridge.resources:
        kept = ", ".join(f"`{each}`" for each in rule.keep)
        renamed = ", ".join(
            f"`{url.rpartition('/')[2]}`" for url in (*rule.extensions, *rule.nested)
        )
        extensions = f"; extensions {renamed}" if renamed else ""
        yield f"| {kept}{extensions} | `{rule.profile.rpartition('/')[2]}` | `{rule.each}` |"


def _profiles() -> set[str]:
    return {path.stem for path in (network_package() / "structure-definitions").glob("*.json")}


if __name__ == "__main__":
    (Path(sys.argv[1]) / "bridges.md").write_text(page(), encoding="utf-8")
