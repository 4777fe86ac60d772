"""Text that would run where it was pasted into source: it stays text in every place a profile has."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.bounded import osteon, validated
from tests.hostile.profiles import constraint, profile

PIECES = (
    "'); __import__('pathlib').Path({mark!r}).touch(); ('",
    '"); __import__("pathlib").Path({mark!r}).touch(); ("',
    "x\n__import__('pathlib').Path({mark!r}).touch()\n",
    "{{__import__('pathlib').Path({mark!r}).touch()}}",
    "\\'+__import__('pathlib').Path({mark!r}).touch()+\\'",
    "%s{{0.__class__.__init__.__globals__}}",
)


def _profiles(text: str) -> list[dict[str, Any]]:
    slicing = {"discriminator": [{"type": "value", "path": text}], "rules": "closed"}
    gender, name = (
        {"id": f"Patient.{element}", "path": f"Patient.{element}"} for element in ("gender", "name")
    )
    return [
        profile("p0", constraint(text, key=text)),
        profile("p1", {**gender, "fixedCode": text}),
        profile("p2", {**name, "patternHumanName": {text: text}}),
        profile("p3", {"id": f"Patient.{text}", "path": f"Patient.{text}", "min": 1}),
        profile(
            "p4", {**name, "slicing": slicing}, {**name, "id": "Patient.name:x", "sliceName": text}
        ),
        profile("p5", {**gender, "type": [{"code": text}]}),
        profile("p6", {**gender, "maxLength": text}),
        profile("p7", {**gender, "min": text, "max": text}),
        {**profile("p8"), "type": text, "name": text, "baseDefinition": text},
    ]


@pytest.mark.parametrize("piece", PIECES)
def test_profile__text_stays_text(tmp_path: Path, piece: str) -> None:
    mark = tmp_path / "broken-out"
    text = piece.format(mark=str(mark))
    profiles = _profiles(text)
    patient = {
        "resourceType": "Patient", "meta": {"profile": [one["url"] for one in profiles]},
        "gender": "male", "name": [{"family": text, text: text}],
    }  # fmt: skip
    bundle = {"resourceType": "Bundle", "entry": [{"resource": one} for one in profiles]}
    assert validated(tmp_path, json.dumps(patient), bundle).code == 1
    assert not mark.exists()


@pytest.mark.parametrize("piece", PIECES)
def test_fhirpath__text_stays_text(tmp_path: Path, piece: str) -> None:
    mark = tmp_path / "broken-out"
    text = piece.format(mark=str(mark))
    file = tmp_path / "p.json"
    file.write_text(json.dumps({"resourceType": "Patient", "name": [{"family": text}]}))
    quoted = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    osteon("fhirpath", "--explain", f"name.where(family = '{quoted}').`{quoted}` | {text}", file)
    assert not mark.exists()
