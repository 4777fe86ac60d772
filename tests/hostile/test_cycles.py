"""Definitions that lead to themselves: refused with their reason, or followed no further than an instance."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.bounded import Ended, osteon, validated
from tests.hostile.profiles import CORE, claiming, profile


def _validated(folder: Path, patient: dict[str, Any], *loads: dict[str, Any]) -> Ended:
    return validated(folder, json.dumps(patient), *loads)


def test_profile__that_is_its_own_base_is_refused(tmp_path: Path) -> None:
    own = profile("a", base="http://example.org/a")
    assert "profile-cycle" in _validated(tmp_path, claiming("a"), own).errors


@pytest.mark.parametrize("length", [2, 200])
def test_profiles__whose_bases_make_a_ring_are_refused(tmp_path: Path, length: int) -> None:
    ring = [profile(f"p{n}", base=f"http://example.org/p{(n + 1) % length}") for n in range(length)]
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in ring]}
    assert _validated(tmp_path, claiming("p0"), bundle).errors & {"profile-cycle", "profile-broken"}


def test_profile__ring_has_no_snapshot(tmp_path: Path) -> None:
    first, second = (
        profile("a", base="http://example.org/b"),
        profile("b", base="http://example.org/a"),
    )
    for name, one in (("a", first), ("b", second)):
        (tmp_path / f"{name}.json").write_text(json.dumps(one))
    ended = osteon("snapshot", tmp_path / "a.json", "--load", tmp_path / "b.json",
                   "--load", tmp_path / "a.json")  # fmt: skip
    assert ended.code == 1
    assert "rests on itself" in ended.err


def test_profiles__whose_types_ask_for_each_other_end(tmp_path: Path) -> None:
    def extension(name: str, other: str) -> dict[str, Any]:
        nested = {"id": "Extension.extension", "path": "Extension.extension", "min": 1,
                  "type": [{"code": "Extension", "profile": [f"http://example.org/{other}"]}]}  # fmt: skip
        return profile(
            name, nested, base=CORE + "Extension", kind="complex-type", type_name="Extension"
        )

    used = {"id": "Patient.extension", "path": "Patient.extension",
            "type": [{"code": "Extension", "profile": ["http://example.org/e"]}]}  # fmt: skip
    value: dict[str, Any] = {"url": "http://example.org/e"}
    for _ in range(50):
        value = {"url": "http://example.org/e", "extension": [value]}
    patient = claiming("p", extension=[value])
    ended = _validated(
        tmp_path, patient, extension("e", "f"), extension("f", "e"), profile("p", used)
    )
    assert ended.code == 1


def test_profile__walking_into_its_own_type_ends(tmp_path: Path) -> None:
    path = "Patient" + ".extension" * 300
    element = {"id": path, "path": path, "min": 1}
    _validated(tmp_path, claiming("p"), profile("p", element))


def test_profile__content_reference_to_itself_ends(tmp_path: Path) -> None:
    logical = {
        **profile("m", {"id": "M", "path": "M"},
                  {"id": "M.a", "path": "M.a", "min": 0, "max": "*", "contentReference": "#M.a"},
                  {"id": "M.a.b", "path": "M.a.b", "min": 1, "max": "1"},
                  base=CORE + "Element", kind="logical", type_name="M"),
        "derivation": "specialization",
    }  # fmt: skip
    (tmp_path / "m.json").write_text(json.dumps(logical))
    osteon("snapshot", tmp_path / "m.json")


def test_value_set__that_imports_itself_cannot_be_told(tmp_path: Path) -> None:
    urls = ["http://example.org/v0", "http://example.org/v1"]
    sets = [
        {"resourceType": "ValueSet", "url": url, "status": "draft",
         "compose": {"include": [{"valueSet": [urls[1 - n]]}, {"valueSet": [url]}]}}
        for n, url in enumerate(urls)
    ]  # fmt: skip
    bound = profile("bound", {"id": "Patient.maritalStatus", "path": "Patient.maritalStatus",
                    "binding": {"strength": "required", "valueSet": urls[0]}})  # fmt: skip
    coding = {"system": "http://example.org/cs", "code": "x"}
    ended = _validated(
        tmp_path, claiming("bound", maritalStatus={"coding": [coding]}), bound, *sets
    )
    assert any("itself" in issue["text"] or urls[0] in issue["text"] for issue in ended.issues)


def test_value_sets__that_import_each_other_many_times_end(tmp_path: Path) -> None:
    # Each imports all the others: the paths through them are as many as 12!.
    urls = [f"http://example.org/v{n}" for n in range(12)]
    sets = [
        {"resourceType": "ValueSet", "url": url, "status": "draft",
         "compose": {"include": [{"valueSet": [other]} for other in urls if other != url]}}
        for url in urls
    ]  # fmt: skip
    bound = profile("bound", {"id": "Patient.maritalStatus", "path": "Patient.maritalStatus",
                    "binding": {"strength": "required", "valueSet": urls[0]}})  # fmt: skip
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in sets]}
    coding = {"system": "http://example.org/cs", "code": "x"}
    _validated(tmp_path, claiming("bound", maritalStatus={"coding": [coding]}), bound, bundle)
