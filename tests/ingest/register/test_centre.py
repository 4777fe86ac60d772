import csv
import json
from pathlib import Path
from typing import Any

import pytest

from fhir_server.cli.main import run
from fhir_server.interactions.server import FhirServer
from fhir_server.store.database import Database
from ingest.journal.work_items import list_work_items
from ingest.mapping import MapError, load_library
from ingest.mapping.centres import certificate_name
from ingest.mapping.codes import Coding
from ingest.maps import CurrentMaps
from ingest.register.local_codes import add_local_code
from ingest.worker.caretaker import Caretaker
from ingest.worker.message import MessageWorker
from ingest.worker.stored import StoredResources
from tests.ingest.journal_rows import rows
from tests.ingest.store_content import store_content
from tests.ingest.worker.conftest import journal, work_off_all

REPORT = Path(__file__).parent.parent / "mapping" / "messages" / "oru_r01_narrative.hl7"
ADD = (
    "centre", "add", "C25", "--label", "Laboratoire 25 (fictif)", "--role", "pathology",
    "--facility", "LABO-25", "--application", "SGL-25", "--charset", "8859/15",
    "--authority", "IPP-25=https://osteon.example/sid/ipp/C25", "--certificate", "sgl-25",
    "--valid-from", "2026-01-01",
)  # fmt: skip
Z_SEGMENT = """
segment: ZTU
maps:
  Patient:
    lines:
      - {from: ZTU-1, to: "maritalStatus.text", departs: segment of the centre}
      - {from: ZTU-2, keep: number of the study folder}
"""


QUIRKS = """
note: The laboratory system writes dates as people do, and sends PID again before each order.
dates: {PID-7: DD/MM/YYYY}
repeated: [PID]
"""


def report() -> bytes:
    """The report as the new centre sends it: a specimen type, a Z segment and a form of dates of its own."""
    lines = REPORT.read_bytes().replace(b"\r\n", b"\r").replace(b"\n", b"\r").split(b"\r")
    for at, line in enumerate(lines):
        fields = line.split(b"|")
        if fields[0] == b"MSH":
            fields[2:4] = [b"SGL-25", b"LABO-25"]
        if fields[0] == b"PID":
            fields[7] = b"12/04/1990"
        if fields[0] == b"SPM":
            fields[4] = b"BIOP-25^^99LOCAL"
        lines[at] = b"|".join(fields)
        if fields[0] == b"PID":
            lines[at] += b"\rZTU|Selon le centre|42\r" + lines[at]
    return b"\r".join(lines)


@pytest.fixture
def maps(own_maps: Path) -> CurrentMaps:
    return CurrentMaps(own_maps)


def changed(maps: CurrentMaps) -> None:
    maps._looked = 0.0


def test_centre__is_added_by_data_alone_with_codes_a_z_segment_and_quirks(
    server: FhirServer, database: Database, centres: None, own_maps: Path, maps: CurrentMaps
) -> None:
    worker = MessageWorker(server, maps.register, maps.draft_message, StoredResources(server))
    caretaker = Caretaker(server, maps)
    journal(database, report())
    work_off_all(database, worker)
    assert rows(database)[0]["state"] == "held"

    assert run([*ADD]) == 0
    codes = own_maps / "centres" / "C25"
    (codes / "segments").mkdir(parents=True)
    (codes / "codes.csv").write_text(
        "table,local_code,system,code,version,display\n"
        "specimen-type,BIOP-25,https://osteon.example/fhir/CodeSystem/specimen-type,tissue,,\n"
    )
    (codes / "segments" / "ZTU.yaml").write_text(Z_SEGMENT)
    (codes / "quirks.yaml").write_text(QUIRKS)
    assert run(["centre", "check"]) == 0
    changed(maps)
    with database.connection() as connection:
        caretaker.look(connection)
        assert list_work_items(connection) == []
    work_off_all(database, worker)

    (row,) = rows(database)
    assert (row["state"], row["centre"]) == ("stored", "C25"), row["issues"]
    stored = {one["resourceType"]: one for one in store_content(database).values()}
    assert stored["Patient"]["birthDate"] == "1990-04-12"
    assert stored["Patient"]["maritalStatus"] == {"text": "Selon le centre"}
    codes_of_type = [one["code"] for one in stored["Specimen"]["type"]["coding"]]
    assert "tissue" in codes_of_type
    assert any("|C25" in name for name in store_content(database))


def test_centre__own_codes_and_segments_are_no_other_centres(own_maps: Path) -> None:
    assert run([*ADD]) == 0
    folder = own_maps / "centres" / "C25" / "segments"
    folder.mkdir(parents=True)
    (folder / "ZTU.yaml").write_text(Z_SEGMENT)
    library = load_library(own_maps)
    own, others = library.of_type("ORU", "R01", "C25"), library.of_type("ORU", "R01", "C01")
    assert own is not None
    assert others is not None
    assert "ZTU" in own.settled
    assert "ZTU" not in others.settled


def test_list__tells_each_centre(own_maps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*ADD]) == 0
    capsys.readouterr()
    assert run(["centre", "list", "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert len(told["centres"]) == 25
    (added,) = [one for one in told["centres"] if one["id"] == "C25"]
    assert added["certificates"] == ["sgl-25"]
    assert run(["centre", "list"]) == 0
    assert "C25  pathology  SGL-25 @ LABO-25  8859/15" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--role", "surgical", "role"),
        ("--time-zone", "Europe/Nowhere", "time zone"),
        ("--charset", "KOI8", "character set"),
        ("--authority", "IPP-25", "NAMESPACE=system"),
        ("--facility", "CENTRE-C01", None),
    ],
)
def test_add__line_that_cannot_be_used_leaves_the_register_as_it_was(
    own_maps: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, named: str | None
) -> None:
    before = (own_maps / "centres.csv").read_text()
    arguments = [*ADD, option, value]
    if named is None:
        arguments += ["--application", "DPI-C01"]
        named = "sender of its own"
    assert run(arguments) == 1
    assert named in capsys.readouterr().err
    assert (own_maps / "centres.csv").read_text() == before


def test_check__tells_what_is_wrong(own_maps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["centre", "check"]) == 0
    folder = own_maps / "centres" / "C01"
    folder.mkdir(parents=True)
    (folder / "notes.txt").touch()
    assert run(["centre", "check"]) == 1
    assert "C01: notes.txt" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("quirk", "line", "expected"),
    [
        ("charset: KOI8", 1, "table 0211"),
        ("line-ends: CR", 1, "one of LF"),
        ("note: ours\ndates: {PID-7: soon}", 2, "DD/MM/YYYY"),
        ("dates: {birthday: DD/MM/YYYY}", 1, "a place such as PID-7"),
        ("header: {PID-3: x}", 1, "a field of MSH"),
        ("unescaped: {OBX-5: many}", 1, "how many fields"),
        ("repeated: [pid]", 1, "names of segments"),
        ("charsets: 8859/1", 1, "found `charsets`"),
    ],
)
def test_check__tells_file_and_line_of_a_quirk_that_is_none(
    own_maps: Path, capsys: pytest.CaptureFixture[str], quirk: str, line: int, expected: str
) -> None:
    folder = own_maps / "centres" / "C01"
    folder.mkdir(parents=True)
    (folder / "quirks.yaml").write_text(quirk)
    assert run(["centre", "check"]) == 1
    told = capsys.readouterr().out
    assert f"centres/C01/quirks.yaml:{line}:" in told
    assert expected in told


@pytest.mark.parametrize(
    ("centre", "segment"), [("C99", Z_SEGMENT), ("C01", Z_SEGMENT.replace("ZTU", "PID"))]
)
def test_local_segments__must_be_of_a_known_centre_and_begin_with_z(
    own_maps: Path, centre: str, segment: str
) -> None:
    folder = own_maps / "centres" / centre / "segments"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(segment)
    with pytest.raises(MapError):
        load_library(own_maps)


@pytest.mark.parametrize("separator", ["", ":"])
def test_certificate__is_known_by_its_fingerprint_however_it_is_written(separator: str) -> None:
    octets = [f"{number:02X}" for number in range(32)]
    assert certificate_name(separator.join(octets)) == "".join(octets).lower()
    assert certificate_name("DPI:C01") == "DPI:C01"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("ID", "../outside"),
        ("ID", "C 25"),
        ("ID", ""),
        ("--facility", "LABO 25"),
        ("--certificate", "SGL de Vingt-Cinq"),
        ("--authority", "IPP-25=no-system"),
        ("--valid-from", "yesterday"),
        ("--valid-from", "2026-02-30"),
    ],
)
def test_add__refuses_what_a_line_cannot_hold(
    own_maps: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    before = (own_maps / "centres.csv").read_bytes()
    line = list(ADD)
    line[2 if option == "ID" else line.index(option) + 1] = value
    assert run(line) == 1
    assert "cannot be added" in capsys.readouterr().err
    assert (own_maps / "centres.csv").read_bytes() == before


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"morphology,Tumeur os\xe9,x,9180/3,,\n", ":2: text in UTF-8"),
        (b"morphology,L1,x\n", ":2: a local code and"),
        (b"morphology,L1,x,9180/3,,,,,\n", ":2: no more values"),
        (b"morphology,L1,x,9180/3,,\nmorphology,L1,x,9220/3,,", ":3: one target"),
        (b'morphology,L1,x,9180/3,,"os\nmorphology,L2,x,9220/3,,\n', ":3: well-formed CSV"),
    ],
    ids=["not UTF-8", "short line", "long line", "two targets", "open quotation mark"],
)  # fmt: skip
def test_codes__that_cannot_be_read_are_told_by_line_and_leave_the_former_ones(
    own_maps: Path, content: bytes, expected: str
) -> None:
    maps = CurrentMaps(own_maps)
    library = maps.library
    file = own_maps / "centres" / "C01" / "codes.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"table,local_code,system,code,version,display\n" + content)
    with pytest.raises(MapError, match=expected):
        load_library(own_maps)
    maps._looked = 0.0
    assert maps.library is library


def test_register__of_a_spreadsheet_begins_with_a_byte_order_mark(own_maps: Path) -> None:
    file = own_maps / "centres.csv"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert "C01" in load_library(own_maps).register.centres


def test_register__refuses_an_id_that_stands_twice(own_maps: Path) -> None:
    file = own_maps / "centres.csv"
    first = file.read_text(encoding="utf-8").splitlines()[1]
    again = first.replace("CENTRE-C01", "CENTRE-C77")
    with file.open("a", encoding="utf-8") as lines:
        lines.write(again + "\n")
    with pytest.raises(MapError, match="an id of its own"):
        load_library(own_maps)


def test_register__tells_the_line_of_a_sender_that_another_has(own_maps: Path) -> None:
    file = own_maps / "centres.csv"
    first = file.read_text(encoding="utf-8").splitlines()[1]
    label = "Centre clinique 01 (fictif)"
    again = first.replace("C01,", "C77,", 1).replace(label, '"Centre\n77"')
    before = file.read_text(encoding="utf-8").count("\n")
    with file.open("a", encoding="utf-8") as lines:
        lines.write(f"\n{again}\n")
    # Its line is where it ends: after an empty line, and a label of two lines.
    with pytest.raises(MapError, match=f":{before + 3}: a sender of its own, for C01"):
        load_library(own_maps)


def with_semicolons(file: Path) -> None:
    """A table as a French spreadsheet writes it."""
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    with file.open("w", encoding="utf-8-sig", newline="") as lines:
        csv.writer(lines, delimiter=";").writerows(rows)


def test_register__is_read_with_semicolons_and_stays_so(own_maps: Path) -> None:
    with_semicolons(own_maps / "centres.csv")
    assert run([*ADD]) == 0
    assert (own_maps / "centres.csv").read_text(encoding="utf-8").startswith("id;label;role;")
    centres = load_library(own_maps).register.centres
    assert (len(centres), centres["C25"].label) == (25, "Laboratoire 25 (fictif)")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";"])
def test_register__is_read_with_any_line_ends_and_empty_lines(
    own_maps: Path, separator: str, end: str
) -> None:
    file = own_maps / "centres.csv"
    with file.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines))
    with file.open("w", encoding="utf-8", newline="") as lines:
        empty = [""] * len(rows[0])
        quoted = csv.writer(lines, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
        quoted.writerow(rows[0])
        plain = csv.writer(lines, delimiter=separator, lineterminator=end)
        plain.writerows([*rows[1:], empty])
    assert len(load_library(own_maps).register.centres) == len(rows) - 1


def test_codes__are_read_with_semicolons_and_stay_so(own_maps: Path) -> None:
    target = Coding("https://osteon.example/fhir/CodeSystem/specimen-type", "tissue")
    file = add_local_code(own_maps, "C01", "specimen-type", "BIOP,LOC", target)
    with_semicolons(file)
    add_local_code(own_maps, "C01", "specimen-type", "PIECE", target)
    assert file.read_text(encoding="utf-8").startswith("table;local_code;")
    codes = load_library(own_maps).codes
    for code in ("BIOP,LOC", "PIECE"):
        assert codes.translate(codes.maps["specimen-type"], code, "C01") == target


def test_register__with_a_heading_of_neither_kind_is_told_why(own_maps: Path) -> None:
    file = own_maps / "centres.csv"
    heading, lines = file.read_text(encoding="utf-8").split("\n", 1)
    file.write_text(heading.replace(",", "\t") + "\n" + lines, encoding="utf-8")
    with pytest.raises(MapError, match=r":1: the columns id, .* commas or semicolons"):
        load_library(own_maps)


def test_add__keeps_the_kinds_of_authorities(own_maps: Path) -> None:
    assert run([*ADD, "--authority", "SEJ-25=urn:oid:1.2.3", "--kind", "SEJ-25=nda"]) == 0
    assert load_library(own_maps).register.centres["C25"].kinds == {"urn:oid:1.2.3": "nda"}
