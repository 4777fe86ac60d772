import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.hl7v2 import NULL, Hl7SyntaxError, Message
from ingest.hl7v2.message import MOST_FAULTS, MOST_PARTS

HEADER = "MSH|^~\\&|LAB|CHU|OSTEON|NET|20260105||ADT^A01^ADT_A01|7|P|2.5.1"


def message(*segments: str, charset: str = "UNICODE UTF-8", codec: str = "utf-8") -> Message:
    header = f"{HEADER}||||||{charset}"
    return Message.parse("\r".join((header, *segments)).encode(codec))


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_parse__segments_end_with_cr_crlf_or_lf(end: str) -> None:
    parsed = Message.parse(end.join((HEADER, "PID|1||A", "PV1|1", "")).encode())
    assert [segment.name for segment in parsed.segments] == ["MSH", "PID", "PV1"]
    assert parsed.get("PID-3") == "A"


def test_parse__lf_inside_a_field_of_a_cr_message_is_text() -> None:
    parsed = message("OBX|1|TX|||first\nsecond", "NTE|1")
    assert parsed.get("OBX-5") == "first\nsecond"
    assert [segment.index for segment in parsed.segments] == [0, 1, 2]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"\xef\xbb\xbf", b""),
        (b"\x0b", b"\x1c\r"),
        (b"\x0b\x0b", b"\x1c\r\x1c\r"),
        (b"\x0b\xef\xbb\xbf", b"\r\x1c\r"),
        (b"\r\n", b"\r\n\r\n"),
    ],
)
def test_parse__strips_byte_order_mark_and_nested_framing(before: bytes, after: bytes) -> None:
    parsed = Message.parse(before + HEADER.encode() + b"\rPID|1" + after)
    assert parsed.raw == HEADER.encode() + b"\rPID|1"
    assert parsed.faults() == []


def test_parse__reads_other_delimiters() -> None:
    parsed = Message.parse(b"MSH#@*!%#LAB@9##NET##1##ADT@A01#7\rPID#1##A@@@X%2*B##D!S!E")
    assert parsed.get("PID-3[1].4.2") == "2"
    assert parsed.get("PID-3[2]") == "B"
    assert parsed.get("PID-5") == "D@E"
    assert parsed.trigger == "A01"


@pytest.mark.parametrize(
    ("characters", "text"), [("^~\\&#", "a#b"), ("^~", "a\\P\\b"), ("^", "a\\P\\b")]
)
def test_parse__takes_long_and_short_encoding_characters(characters: str, text: str) -> None:
    parsed = Message.parse(f"MSH|{characters}|L|||||||7\rOBX|1||||a\\P\\b".encode())
    assert parsed.get("MSH-2") == characters
    assert parsed.get("OBX-5") == text


@pytest.mark.parametrize(
    ("raw", "issue"),
    [
        (b"", "hl7v2-no-header"),
        (b"GET / HTTP/1.1", "hl7v2-no-header"),
        (b"PID|1\rMSH|^~\\&|", "hl7v2-no-header"),
        (b"BHS|^~\\&|\rMSH|^~\\&|", "hl7v2-no-header"),
        (b"MSH", "hl7v2-delimiters"),
        (b"MSH|", "hl7v2-delimiters"),
        (b"MSH||", "hl7v2-delimiters"),
        (b"MSH|^^\\&|", "hl7v2-delimiters"),
        (b"MSHA^~\\&A", "hl7v2-delimiters"),
        (b"MSH|^~\\&#!|", "hl7v2-delimiters"),
        (b"MSH\xff^~\\&\xff", "hl7v2-delimiters"),
    ],
)
def test_parse__refuses_what_is_no_message(raw: bytes, issue: str) -> None:
    with pytest.raises(Hl7SyntaxError) as caught:
        Message.parse(raw)
    assert caught.value.fault.id == issue


def test_msh__numbering_counts_the_separator_as_field_1() -> None:
    parsed = message()
    assert parsed.get("MSH-1") == "|"
    assert parsed.get("MSH-2") == "^~\\&"
    assert (parsed.sending_application, parsed.sending_facility) == ("LAB", "CHU")
    assert (parsed.type, parsed.trigger, parsed.structure) == ("ADT", "A01", "ADT_A01")
    assert (parsed.control_id, parsed.version, parsed.charset) == ("7", "2.5.1", "UNICODE UTF-8")


def test_component__empty_is_none_and_two_quotes_are_null() -> None:
    parsed = message('PID|1||A^^""||""|')
    assert parsed.get("PID-3.2") is None
    assert parsed.get("PID-3.3") is NULL
    assert parsed.get("PID-5") is NULL
    assert parsed.get("PID-6") is None
    assert parsed.get("PID-99") is None
    assert parsed.segments[1].field(6) == []


def test_component__divided_gives_its_first_subcomponent() -> None:
    parsed = message("PID|1||A^^^X&1.2&ISO")
    assert parsed.get("PID-3.4") == "X"
    assert parsed.get("PID-3.4.3") == "ISO"
    assert parsed.get("PID-3.4.4") is None


def test_text__keeps_delimiters_that_were_not_escaped() -> None:
    parsed = message("OBX|1|TX|||T&E ^ \\T\\c~next")
    repetitions = parsed.segments[1].field(5)
    assert [repetition.text for repetition in repetitions] == ["T&E ^ &c", "next"]


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
        ("one\\.br\\two\\.sp\\three\\.sp2\\four", "one\ntwo\nthree\n\nfour"),
        ("a\\.sk3\\b\\.ce\\c\\.in+4\\d\\.ti-2\\e\\.fi\\f\\.nf\\g", "a   b\ncdefg"),
        ("\\H\\strong\\N\\ weak", "strong weak"),
        ("\\X0D0A\\\\XC3A9\\", "\r\né"),
        ("a\\X00\\b", "a\\X00\\b"),
        ("\\XE9\\ \\X0\\ \\XZZ\\", "\\XE9\\ \\X0\\ \\XZZ\\"),
        ("\\Zlocal\\ \\C2842\\ \\M123456\\", "\\Zlocal\\ \\C2842\\ \\M123456\\"),
        ("C:\\dir\\.br\\x", "C:\\dir\nx"),
        ("end\\", "end\\"),
        ("\\E\\F\\E\\", "\\F\\"),
    ],
)
def test_component__replaces_escapes_and_keeps_the_unknown(escaped: str, text: str) -> None:
    assert message(f"OBX|1|TX|||{escaped}").get("OBX-5") == text


@pytest.mark.parametrize(
    ("charset", "codec", "text"),
    [
        ("UNICODE UTF-8", "utf-8", "Œdème – é€"),
        ("8859/1", "latin-1", "œdème é".replace("œ", "oe")),
        ("8859/15", "iso8859-15", "Œdème € é"),
        ("8859/15~UNICODE UTF-8", "iso8859-15", "Œ"),
        ("ASCII", "ascii", "plain"),
        ("", "ascii", "plain"),
    ],
)
def test_component__is_decoded_by_msh_18(charset: str, codec: str, text: str) -> None:
    parsed = message(f"PID|1||||{text}", charset=charset, codec=codec)
    assert parsed.get("PID-5") == text
    assert parsed.faults() == []


def test_parse__default_charset_counts_where_msh_18_is_empty() -> None:
    raw = f"{HEADER}\rPID|1||||é".encode("latin-1")
    assert Message.parse(raw, default_charset="8859/1").get("PID-5") == "é"


@pytest.mark.parametrize(
    ("charset", "value"),
    [
        ("UNICODE UTF-8", "é".encode("latin-1")),
        ("8859/1", "é".encode()),
        ("8859/1", "L’os".encode("cp1252")),
        ("8859/15", "Œuvre".encode()),
        ("ASCII", "é".encode()),
        ("", "é".encode()),
    ],
)
def test_faults__bytes_outside_the_declared_set_are_told_with_their_place(
    charset: str, value: bytes
) -> None:
    raw = f"{HEADER}||||||{charset}\rPID|1\rPID|1||A~B^".encode() + value + b"|x"
    (fault,) = Message.parse(raw).faults()
    assert fault.id == "hl7v2-undecodable"
    assert fault.condition == 102
    assert fault.location == "PID[2]-3[2].2.1"
    assert fault.issue().expression == fault.location


def test_component__undecodable_bytes_raise_with_their_place() -> None:
    parsed = Message.parse(HEADER.encode() + b"\rPID|1||A^\xe9")
    with pytest.raises(Hl7SyntaxError) as caught:
        parsed.get("PID-3.2")
    assert caught.value.fault.location == "PID-3[1].2.1"


def test_faults__unknown_character_set_is_told() -> None:
    (fault,) = message(charset="UNICODE UTF-16").faults()
    assert (fault.id, fault.condition, fault.location) == ("hl7v2-charset-unknown", 103, "MSH-18")


@pytest.mark.parametrize("line", ["continued text", "pid|1", "PID1|", "AB"])
def test_faults__a_line_without_segment_name_is_told(line: str) -> None:
    faults = message("OBR|1|||a", line).faults()
    assert [(fault.id, fault.condition) for fault in faults] == [("hl7v2-segment-name", 100)]


def test_faults__a_second_message_behind_the_first_is_told() -> None:
    faults = message("PID|1", HEADER).faults()
    assert [(fault.id, fault.location) for fault in faults] == [("hl7v2-second-header", "MSH[2]")]


@pytest.mark.parametrize(("field", "value"), [(9, ""), (10, ""), (10, '""')])
def test_faults__type_and_control_id_are_required(field: int, value: str) -> None:
    parts = HEADER.split("|")
    parts[field - 1] = value
    (fault,) = Message.parse("|".join(parts).encode()).faults()
    assert (fault.id, fault.condition, fault.location) == (
        "hl7v2-required-field",
        101,
        f"MSH-{field}",
    )


def test_leaves__give_every_value_once_with_its_place() -> None:
    parsed = message('PID|1||A^^^X&2~B||""|')
    assert list(parsed.segments[1].leaves()) == [
        (1, 1, 1, 1, b"1"),
        (3, 1, 1, 1, b"A"),
        (3, 1, 4, 1, b"X"),
        (3, 1, 4, 2, b"2"),
        (3, 2, 1, 1, b"B"),
        (5, 1, 1, 1, b'""'),
    ]
    assert [leaf[:2] for leaf in parsed.segments[0].leaves()][:3] == [(1, 1), (2, 1), (3, 1)]


def test_get__finds_later_segments_and_repetitions() -> None:
    parsed = message("OBX|1||A", "OBX|2||B~C^D")
    assert parsed.get("OBX[2]-3[2].2") == "D"
    assert parsed.get("OBX[3]-3") is None
    assert parsed.get("OBX-3[2]") is None
    with pytest.raises(ValueError, match="no path"):
        parsed.get("OBX.3")


_text = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\n\x0b\x1c", exclude_categories=["Cs"])
)


@given(
    st.lists(st.lists(st.lists(st.lists(_text, max_size=3), max_size=3), max_size=3), max_size=6)
)
def test_leaves__together_with_component_give_back_what_was_written(
    fields: list[list[list[list[str]]]],
) -> None:
    from ingest.hl7v2.delimiters import STANDARD
    from ingest.hl7v2.escape import escape_text

    def joined(parts: list[str], delimiter: str) -> str:
        return delimiter.join(parts)

    written = joined(
        [
            joined(
                [
                    joined(
                        [joined([escape_text(s, STANDARD) for s in c], "&") for c in repetition],
                        "^",
                    )
                    for repetition in field
                ],
                "~",
            )
            for field in fields
        ],
        "|",
    )
    parsed = message(f"ZZZ|{written}|end")
    expected = {
        (f, r, c, s): text
        for f, field in enumerate(fields, 1)
        for r, repetition in enumerate(field, 1)
        for c, component in enumerate(repetition, 1)
        for s, text in enumerate(component, 1)
        if text
    }
    segment = parsed.segments[1]
    read = {leaf[:4]: parsed.decode(leaf[4]) for leaf in segment.leaves()}
    assert {value[:4]: value[4] for value in segment.values()} == read
    assert read.pop((len(fields) + 1 if fields else 2, 1, 1, 1)) == "end"
    assert read == expected
    for (f, r, c, s), text in expected.items():
        assert segment.field(f)[r - 1].component(c, s) == text


@given(st.binary(max_size=400))
def test_parse__any_bytes_give_a_message_or_a_fault(raw: bytes) -> None:
    for content in (raw, b"MSH|^~\\&|" + raw):
        try:
            parsed = Message.parse(content)
        except Hl7SyntaxError:
            continue
        if not parsed.faults():
            for segment in parsed.segments:
                assert all(isinstance(parsed.decode(leaf[4]), str) for leaf in segment.leaves())


@given(st.binary(max_size=400))
def test_parse__no_byte_of_a_segment_is_lost(raw: bytes) -> None:
    parsed = Message.parse(b"MSH|^~\\&|x\r" + raw + b"\rPV1|end")
    kept = b"".join(segment.raw for segment in parsed.segments)
    ends = bytes.maketrans(b"", b"")
    assert kept.translate(ends, b"\r\n") == parsed.raw.translate(ends, b"\r\n")


def test_parse__more_parts_than_any_message_has_are_refused() -> None:
    for part in (b"NTE|1\r", b"PID|||~~~~\r", b"P|D\r"):
        raw = HEADER.encode() + b"\r" + part * (MOST_PARTS // 2)
        with pytest.raises(Hl7SyntaxError, match="hl7v2-too-many-parts"):
            Message.parse(raw)


def test_parse__a_large_document_is_one_part() -> None:
    data = "QUJD" * MOST_PARTS
    message = Message.parse(f"{HEADER}\rOBX|1|ED|1^a^LN||^TEXT^XML^Base64^{data}||||||F".encode())
    assert message.get("OBX-5.5") == data


def test_faults__of_a_message_that_is_none_are_told_a_few_times() -> None:
    faults = Message.parse(HEADER.encode() + b"\r" + b"P|D\r" * 30_000).faults()
    assert [fault.sequence for fault in faults] == list(range(1, MOST_FAULTS + 1))


@pytest.mark.parametrize("raw", [b"a\x00b", b"\x01", "NOËL".encode("utf-16-le")])
def test_faults__control_characters_are_told_with_their_place(raw: bytes) -> None:
    message = Message.parse(HEADER.encode() + b"||||||8859/15\rPID|1||" + raw)
    (fault,) = message.faults()
    assert (fault.id, fault.location) == ("hl7v2-control-character", "PID-3[1].1.1")


def test_faults__page_breaks_stand_in_texts() -> None:
    assert Message.parse(f"{HEADER}\rNTE|1||a\x0cb\x0bc\td".encode()).faults() == []
