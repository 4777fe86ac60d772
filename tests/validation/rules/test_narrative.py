"""The rules of `validation/rules/narrative.py`: what keeps them, and what breaks them.

Source: FHIR R4 §2.4.0.2 (txt-1, txt-2), https://hl7.org/fhir/R4/narrative.html#xhtml
"""

from typing import Any

import pytest

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
        (f"<div {XHTML}><p onclick='x()'>A</p></div>", "narrative-attribute"),
        (f"<div {XHTML}><a href='javascript:x()'>A</a></div>", "narrative-attribute"),
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
