"""Every leaf of any message has exactly one fate."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.hl7v2 import Message
from ingest.mapping import MappingResult, map_message
from tests.ingest.mapping.conftest import read_message

ODD = [
    '""',
    "1990",
    "20240318101112.1+0100",
    "M",
    "9180/3",
    "a\\.br\\b",
    "é",
    "^",
    "x~y",
    "&",
    "1&2^3",
    "ZZ",
]
NAMES = ["PID", "PV1", "ORC", "OBR", "OBX", "SPM", "NTE", "ZBE", "ZZZ", "EVN", "NK1", "ZFD"]
value = st.one_of(st.sampled_from(ODD), st.text("abcXYZ019^~&\\ /", max_size=9))
segment = st.builds(
    lambda name, fields: "|".join([name, *fields]),
    st.sampled_from(NAMES),
    st.lists(value, max_size=40),
)


def leaf_paths(message: Message) -> list[str]:
    counts: dict[str, int] = {}
    paths = []
    for one in message.segments:
        counts[one.name] = counts.get(one.name, 0) + 1
        for field, repetition, component, sub, _ in one.leaves():
            path = f"{one.name}[{counts[one.name]}]-{field}[{repetition}].{component}"
            paths.append(path if sub == 1 else f"{path}.{sub}")
    return paths


@settings(max_examples=150)
@given(st.sampled_from(["ADT^A01", "ORU^R01", "MDM^T02"]), st.lists(segment, max_size=14))
def test_fates__are_one_per_leaf_of_any_message(event: str, segments: list[str]) -> None:
    header = f"MSH|^~\\&|DPI-C01|CENTRE-C01|||20240101||{event}|1|P|2.5|||||FRA|UNICODE UTF-8"
    message = Message.parse("\r".join([header, *segments]).encode())
    result = map_message(message)
    assert [fate.path for fate in result.fates] == leaf_paths(message)
    for fate in result.fates:
        assert bool(fate.targets) == (fate.kind == "mapped")
        assert bool(fate.reason) == (fate.kind != "mapped")


def fate(result: MappingResult, path: str) -> tuple[str, Any]:
    found = next(one for one in result.fates if one.path == path)
    return found.kind, found.targets or found.reason


def test_fate__of_a_mapped_value_names_its_elements(narrative: MappingResult) -> None:
    kind, targets = fate(narrative, "OBX[4]-5[1].1")
    assert kind == "mapped"
    assert set(targets) == {
        "DiagnosticReport[1].conclusionCode.coding.code",
        "Condition[1].extension(morphology).valueCodeableConcept.coding.code",
        "Observation[3].valueCodeableConcept.coding.code",
    }


def test_fate__of_a_value_by_policy_is_rejected_with_the_reason() -> None:
    result = map_message(
        read_message("adt_a01_pam_fr", ("^D||19900412|F|", "^D||19900412|F||RACE"))
    )
    kind, reason = fate(result, "PID[1]-10[1].1")
    assert (kind, "not collected" in reason) == ("rejected", True)


def test_fate__of_an_unreadable_value_is_rejected_with_the_reason() -> None:
    result = map_message(read_message("adt_a01_pam_fr", ("20240310100000\nZBE", "99999999\nZBE")))
    assert fate(result, "PV1[1]-44[1].1") == ("rejected", "no-such-day-or-time")


def test_fate__of_a_segment_without_map_says_so() -> None:
    result = map_message(read_message("adt_a01_pam_fr", ("ZFM|8", "ZXY|8")))
    assert fate(result, "ZXY[1]-1[1].1") == ("kept", "no map reads this segment in this message")


def test_fate__of_what_no_element_takes_is_kept_with_the_provenance(adt: MappingResult) -> None:
    found = next(one for one in adt.fates if one.path == "ZFA[1]-1[1].1")
    assert (found.kind, found.carried) == ("kept", True)
    assert ("ZFA[1]-1[1].1", "ACTIF") in kept_in_provenance(adt)


def test_fate__of_a_segment_nobody_knows_stays_in_the_journal() -> None:
    result = map_message(read_message("adt_a01_pam_fr", ("ZFM|8", "ZXY|secret")))
    assert not next(one for one in result.fates if one.path == "ZXY[1]-1[1].1").carried
    assert "secret" not in str(result.resources)


@pytest.mark.parametrize(
    ("old", "new"),
    [("ZFM|8", "ZFS|1|20240101|secret"), ("^D||19900412|F|", "^D||19900412|F||secret")],
)
def test_fate__of_what_the_maps_refuse_leaves_no_trace(old: str, new: str) -> None:
    result = map_message(read_message("adt_a01_pam_fr", (old, new)))
    assert [one.kind for one in result.fates if "not collected" in one.reason]
    assert "secret" not in str(result.resources)


def kept_in_provenance(result: MappingResult) -> list[tuple[str, str]]:
    provenance = next(r for r in result.resources if r["resourceType"] == "Provenance")
    return [
        (one["extension"][0]["valueString"], one["extension"][1]["valueString"])
        for one in provenance.get("extension", ())
    ]


def test_fates__never_show_a_value_of_the_patient(narrative: MappingResult) -> None:
    assert "DUBOIS" not in str(narrative.fates)
