import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_server.search.folding import PREFIX_LENGTH, fold, windows
from fhir_server.search.values import split_comparator, split_escaped, unescape


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("a", ["a"]),
        ("a,b", ["a", "b"]),
        (r"a\,b,c", [r"a\,b", "c"]),
        (r"a\\,b", [r"a\\", "b"]),
        ("a,", ["a", ""]),
        ("", [""]),
        ("a\\", ["a\\"]),
    ],
)
def test_split_escaped__leaves_escaped_separators(value: str, parts: list[str]) -> None:
    assert split_escaped(value, ",") == parts


def test_unescape__resolves_what_r4_names() -> None:
    assert unescape(r"a\,b\|c\$d\\e\f") == r"a,b|c$d\e\f"


@given(st.lists(st.text(), min_size=1))
def test_split_escaped__gives_back_what_was_escaped(parts: list[str]) -> None:
    escaped = [part.replace("\\", "\\\\").replace(",", "\\,") for part in parts]
    assert [unescape(part) for part in split_escaped(",".join(escaped), ",")] == parts


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ge2020", ("ge", "2020")),
        ("2020", ("eq", "2020")),
        ("xx2020", (None, "xx2020")),
        ("-5", ("eq", "-5")),
        ("lt-5", ("lt", "-5")),
        ("gt.5", ("gt", ".5")),
        ("ge", ("eq", "ge")),
    ],
)
def test_split_comparator__needs_a_number_behind(
    value: str, expected: tuple[str | None, str]
) -> None:
    assert split_comparator(value) == expected


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Éléonore", "eleonore"),
        ("  Jean-Pierre  L’Œuvre ", "jean pierre l oeuvre"),
        ("O'Neill", "o neill"),
        ("Straße", "strasse"),
        ("ŁÓDŹ", "lodz"),
        ("İzmir", "izmir"),
        ("ﬁn", "fin"),
        ("a\x00b", "a b"),
        ("\u0301", ""),
    ],
)
def test_fold__drops_case_accents_and_needless_space(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_fold__is_stable(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(
    st.text(min_size=1, max_size=3000, alphabet="ab "), st.integers(0, 2500), st.integers(1, 256)
)
def test_windows__hold_every_short_part_whole(text: str, start: int, length: int) -> None:
    part = text[start : start + min(length, PREFIX_LENGTH)]
    assert any(part in window for window in windows(text))
