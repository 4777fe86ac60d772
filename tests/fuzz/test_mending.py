"""Lines of HL7 v2 put together at random are mended under every quirk, as `make fuzz` does for longer."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import fuzz_hl7v2_mending
from tests.fuzz.fuzz_hl7v2_mending import QUIRKS

PARTS = st.sampled_from(
    [b"|", b"^", b"~", b"\\", b"&", b"\r", b"\n", b"\r\n", b"PID|", b"OBX|1|TX|", b"MSH|", b"12/04/1990",
     b"1.2.250", b"IPP&1.2&ISO", b"1.2.3&IPP&ISO", b"\xe9", b"\x00", b"\x0b", b"\x1c", b" ", b"TX", b"a"]
)  # fmt: skip
HEADERS = st.sampled_from(
    [b"", b"MSH|^~\\&|A|B\r", b"MSH|^~\\&\n", b"MSH|^\r", b"MSH#@*!%#A#B\r", b"BHS|^~\\&\r"]
)


@given(st.integers(0, len(QUIRKS) - 1), HEADERS, st.lists(PARTS, max_size=30).map(b"".join))
@settings(max_examples=600)
def test_quirks__mend_any_lines(number: int, header: bytes, lines: bytes) -> None:
    fuzz_hl7v2_mending.one_input(bytes([number]) + header + lines)
