"""Z segments of a centre: `centres/<id>/segments/*.yaml`, in the language of all segment maps.

A map `ZTU.Patient` adds to every Patient that a message of the centre gives, where the segment stands in
the patient's scope; so with the other types. No other centre's messages know the segment.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

from ingest.mapping.centres import CentreRegister
from ingest.mapping.language import LineMap, read_maps
from ingest.mapping.plans import MessagePlan
from ingest.mapping.yaml_source import MapError, load_section

LOCAL_NAME = re.compile(r"Z[A-Z0-9]{2}")
"""HL7 v2.5.1 §2.5.2: names that begin with Z are for segments of the sites' own."""


def read_local_segments(
    root: Path, known: Collection[str], register: CentreRegister
) -> dict[str, dict[str, LineMap]]:
    """The maps of each centre's own segments, by name.

    Errors: MapError for a centre that the register does not have, a name that does not begin with Z, or a
    segment that all centres' maps know.
    """
    found: dict[str, dict[str, LineMap]] = {}
    for path in sorted((root / "centres").glob("*/segments/*.yaml")):
        centre = path.parent.parent.name
        section = load_section(path, root)
        name = section.text("segment")
        if centre not in register.centres:
            raise MapError(section.file, 1, f"a folder named after a centre, found `{centre}`")
        if not LOCAL_NAME.fullmatch(name) or name in known:
            raise section.fault("a Z segment that `segments/` does not map", "segment")
        found.setdefault(centre, {}).update((m.name, m) for m in read_maps(section, "segment"))
    return found


def with_local_segments(plan: MessagePlan, own: Mapping[str, LineMap]) -> MessagePlan:
    """The plan, its resources filled from a centre's own segments too."""
    if not own:
        return plan
    resources = tuple(
        replace(
            resource,
            maps=(
                *resource.maps,
                *(name for name in own if name.partition(".")[2] == resource.type),
            ),
        )
        for resource in plan.resources
    )
    return replace(plan, resources=resources)
