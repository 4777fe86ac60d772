import string
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_server.fhirpath import FHIRPath, FHIRPathError
from fhir_server.fhirpath.lexer import tokenize
from fhir_server.fhirpath.parser import MAX_DEPTH, parse
from fhir_server.fhirpath.syntax import (
    Call,
    Chain,
    Constant,
    EmptyLiteral,
    External,
    Index,
    LoopVariable,
    Member,
    Node,
    Operation,
    Polarity,
    QuantityLiteral,
    TypeOperation,
    to_source,
)

characters = st.characters(exclude_categories=["Cs"])
names = st.text(characters, min_size=1, max_size=8)
plain_names = st.sampled_from(["name", "given", "value", "as", "contains", "is", "in"])
literals = st.one_of(
    st.builds(Constant, st.just("string"), st.text(characters, max_size=12)),
    st.builds(Constant, st.just("integer"), st.integers(0, 10**12)),
    st.builds(Constant, st.just("decimal"), st.decimals(0, 10**6, places=3)),
    st.builds(Constant, st.just("boolean"), st.booleans()),
    st.builds(Constant, st.just("date"), st.just("2015-02-04")),
    st.builds(Constant, st.just("datetime"), st.sampled_from(["2015T", "2015-02-04T14:34:28.1Z"])),
    st.builds(Constant, st.just("time"), st.just("T14:34")),
    st.builds(
        QuantityLiteral,
        st.just(Decimal("4.5")),
        st.sampled_from(["days", "month"]),
        st.just(value=True),
    ),
    st.builds(QuantityLiteral, st.just(Decimal(2)), names, st.just(value=False)),
    st.builds(EmptyLiteral),
    st.builds(External, names),
    st.builds(LoopVariable, st.sampled_from(["$this", "$index", "$total"])),
    st.builds(Member, st.none(), names | plain_names),
)
OPERATORS = [
    "+",
    "-",
    "*",
    "/",
    "div",
    "mod",
    "&",
    "=",
    "!=",
    "~",
    "!~",
    "<",
    ">=",
    "in",
    "contains",
    "xor",
    "implies",
]


def compound(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    return st.one_of(
        st.builds(Member, inner, names | plain_names),
        st.builds(Call, st.none() | inner, names, st.lists(inner, max_size=2).map(tuple)),
        st.builds(Index, inner, inner),
        st.builds(Polarity, st.sampled_from(["+", "-"]), inner),
        st.builds(Operation, st.sampled_from(OPERATORS), inner, inner),
        st.builds(
            Chain,
            st.sampled_from(["|", "and", "or"]),
            st.lists(inner, min_size=2, max_size=4).map(tuple),
        ),
        st.builds(
            TypeOperation,
            st.sampled_from(["is", "as"]),
            inner,
            st.sampled_from(["Patient", "System.String"]),
        ),
    )


@given(st.recursive(literals, compound, max_leaves=12))
@settings(max_examples=150)
def test_parse__printed_tree_gives_the_tree(tree: Node) -> None:
    assert parse(to_source(tree)) == tree


@given(st.text(max_size=60) | st.text(string.punctuation + "ab1 'T@", max_size=60))
@settings(max_examples=300)
def test_parse__any_text_is_read_or_refused(text: str) -> None:
    assert 0 <= position_of_fault(text) <= len(text)


def position_of_fault(text: str) -> int:
    try:
        parse(text)
    except FHIRPathError as error:
        return -1 if error.position is None else error.position
    return 0


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("name.", 5),
        ("name..given", 5),
        ("(1", 2),
        ("1 +", 3),
        ("a b", 2),
        ("'x", 0),
        ("%", 1),
        ("@x", 0),
        ("a[1", 3),
    ],
)
def test_parse__fault_is_located(source: str, position: int) -> None:
    with pytest.raises(FHIRPathError) as caught:
        parse(source)
    assert caught.value.position == position


@pytest.mark.parametrize(
    "source",
    [
        "(" * 10_000 + "1" + ")" * 10_000,
        "a" + ".a" * 10_000,
        "1" + "+1" * 10_000,
        "-" * 10_000 + "1",
        "a(" * 10_000,
        "a[" * 10_000,
        "a" * 60_000,
        "1 is " * 5_000,
        "not(" * 5_000 + ")" * 5_000,
    ],
)
def test_parse__hostile_depth_or_length_is_refused(source: str, lenient: FHIRPath) -> None:
    with pytest.raises(FHIRPathError):
        lenient.compile(source)


def test_parse__long_flat_chains_are_fine(lenient: FHIRPath) -> None:
    source = " | ".join(["1"] * 2_000)
    assert lenient.compile(source).evaluate({}) == [1]


def test_parse__deepest_allowed_expression_runs(lenient: FHIRPath) -> None:
    source = "iif(true, " * (MAX_DEPTH - 1) + "1" + ")" * (MAX_DEPTH - 1)
    assert lenient.compile(source).evaluate({}) == [1]


def test_parse__an_end_that_comes_too_early_is_named_in_words() -> None:
    with pytest.raises(FHIRPathError) as fault:
        parse("name.where(")
    assert "“the end”" in fault.value.issue.text("en")
    assert "« la fin »" in fault.value.issue.text("fr")


def test_tokenize__two_escapes_make_one_character_beyond_the_basic_plane() -> None:
    assert tokenize(r"'\uD83D\uDE00'")[0].text == "\N{GRINNING FACE}"


@pytest.mark.parametrize("expression", [r"'a\uD800'", "'\udcff'", r"`\uDE00`"])
def test_tokenize__half_a_character_is_refused(expression: str) -> None:
    with pytest.raises(FHIRPathError) as fault:
        tokenize(expression)
    assert fault.value.issue.id == "fhirpath-bad-escape"
