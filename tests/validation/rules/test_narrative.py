"""The rules of `validation/rules/narrative.py`: what keeps them, and what breaks them.

Source: FHIR R4 §2.4.0.2 (txt-1, txt-2), https://hl7.org/fhir/R4/narrative.html#xhtml
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.validation.rules.narrative import faults, is_plain
from tests.validation.rules.conftest import Judge
from tests.validation.rules.definitions import patient

XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'


def told(div: str) -> dict[str, Any]:
    return patient(text={"status": "generated", "div": div})


@pytest.mark.parametrize(
    ("div", "expected"),
    [
        (f"<div {XHTML}><p class='a'>A &amp; B</p></div>", None),
        (f"<div {XHTML}><img src='a.png' alt='A'/></div>", None),
        (f"<div {XHTML}><p>A</div>", "narrative-syntax"),
        (f"<div {XHTML}>A&nbsp;B</div>", "narrative-entity"),
        ("<div>A</div>", "narrative-no-div"),
        (f"<div {XHTML}>A<script>x()</script></div>", "narrative-element"),
        (f"<div {XHTML}>A<u>B</u></div>", "narrative-element"),
        (f"<div {XHTML}>A<ins>B</ins></div>", "narrative-element"),
        (f"<div {XHTML}>A<tt>B</tt><big>C</big></div>", None),
        (f"<div {XHTML}><p onclick='x()'>A</p></div>", "narrative-attribute"),
        (f"<div {XHTML}><a href='javascript:x()'>A</a></div>", "narrative-attribute"),
        (f"<div {XHTML}><p href='#a'>A</p></div>", "narrative-attribute"),
        (f"<div {XHTML}><td bgcolor='red'>A</td></div>", "narrative-attribute"),
        (f"<div {XHTML}><table border='1'><tr><td align='left'>A</td></tr></table></div>", None),
        (f"<div {XHTML}> </div>", "narrative-blank"),
        (f"<div {XHTML}><a href=' '>A</a></div>", "narrative-attribute"),
        (f"<div {XHTML}><a href='VBScript:x'>A</a></div>", "narrative-attribute"),
        (f"<div {XHTML}><p>A <b>B <ul><li>C</li></ul></b></p></div>", "narrative-paragraph"),
        (f"<div {XHTML}><table><tr><td><p>A</p></td></tr></table></div>", None),
    ],
)
def test_narrative__is_the_xhtml_that_fhir_allows(
    judge: Judge, div: str, expected: str | None
) -> None:
    place = "Patient.text.div"
    assert judge(told(div)) == (set() if expected is None else {(expected, place)})


NAMES = st.sampled_from(["div", "p", "b", "ul", "li", "img", "script", "a", "x:p", "br"])
ATTRIBUTES = st.sampled_from([
    "", " class='a'", " title='x > y'", " title=' class=\"'", " onclick='x()'", " href='#a'", f" {XHTML}",
    " class='a' class='b'", " xml:lang='fr'", " alt='a'", " name='a'", " xml:id='a'",
])  # fmt: skip
TEXTS = st.sampled_from(
    ["", "A", " ", "&amp;", "&nbsp;", "&#160;", "<", ">", "<!-- A -->", "<?a?>", "]]>"]
)


@st.composite
def narratives(draw: st.DrawFn, depth: int = 3) -> str:
    """Narratives and what nearly is one."""
    name = draw(NAMES)
    inner = draw(TEXTS)
    if depth:
        inner += "".join(draw(st.lists(narratives(depth - 1), max_size=2)))
    end = draw(st.sampled_from([f"</{name}>"] * 9 + [""]))
    return f"<{name}{draw(ATTRIBUTES)}>{inner}{end}{draw(TEXTS)}"


@given(narratives())
@settings(max_examples=300)
def test_narrative__plain_at_a_glance_has_no_fault(inner: str) -> None:
    for div in (inner, f"<div {XHTML}>{inner}</div>"):
        if is_plain(div):
            assert list(faults(div)) == []


def test_narrative__most_are_plain() -> None:
    assert is_plain(f"<div {XHTML}><p class='a'>A &amp; B</p><ul><li>C</li></ul></div>")
