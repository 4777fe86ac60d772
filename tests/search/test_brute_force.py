"""Random searches over random small stores find what looking at each resource finds: every kind of parameter,
modifier and comparator, alone, joined, chained, in pages, counted and sorted.
"""

import random
from collections.abc import Callable, Iterator
from itertools import pairwise
from urllib.parse import quote

import pytest

from fhir_server.search import access, totals
from fhir_server.store import token_statistics as statistics_module
from fhir_server.store.token_blocks import keep_token_blocks
from tests.search.conftest import SearchStore
from tests.search.plain_evaluation import PARAMETERS, SORTED, TARGETS, Evaluation
from tests.search.random_store import (
    CODES,
    DATES,
    FAMILIES,
    GIVEN,
    NUMBERS,
    SYSTEMS,
    UNITS,
    URLS,
    Json,
    random_store,
)

PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")
Pair = tuple[str, str]


def _text(rng: random.Random, modifier: str) -> str:
    text = rng.choice((*FAMILIES, *GIVEN))
    if modifier == "exact":
        return text
    start = rng.randrange(len(text)) if modifier == "contains" else 0
    return text[start : start + rng.randint(1, 4)].strip() or "a"


def _coded(rng: random.Random, codes: tuple[str, ...]) -> str:
    system = rng.choice(SYSTEMS) or ""
    return rng.choice(
        (rng.choice(codes), f"{system}|{rng.choice(codes)}", f"{system or 'http://s.test'}|")
    )


def _quantity(rng: random.Random) -> str:
    number = rng.choice((*PREFIXES, "ap")) + rng.choice(NUMBERS)
    system, code = rng.choice(UNITS)
    return number if code is None else f"{number}|{rng.choice((system, ''))}|{code}"


_PLAIN_CODES = ("male", "FEMALE", "final", "amended", "true", "false")


def _words(rng: random.Random, modifier: str) -> str:
    return rng.choice(FAMILIES + GIVEN)[:3].strip() if modifier == "text" else _coded(rng, CODES)


_ASKED: dict[str, tuple[tuple[str, ...], Callable[[random.Random, str], str]]] = {
    "string": (("", "exact", "contains"), _text),
    "code": (("", "not"), lambda rng, _: rng.choice(_PLAIN_CODES)),
    "concept": (("", "not", "text"),
                _words),
    "identifier": (("", "not", "of-type"),
                   lambda rng, m: f"http://kind.test|{rng.choice(('MR', 'PI'))}|{rng.choice(('1', 'X-1'))}"
                   if m == "of-type" else _coded(rng, ("1", "2", "x-1"))),
    "date": (("",), lambda rng, _: rng.choice(PREFIXES) + rng.choice(DATES)),
    "number": (("",), lambda rng, _: rng.choice((*PREFIXES, "ap")) + rng.choice(NUMBERS)),
    "quantity": (("",), lambda rng, _: _quantity(rng)),
    "uri": (("", "above", "below"), lambda rng, _: rng.choice(URLS)),
    "composite": (("",), lambda rng, _: _coded(rng, CODES) + "$" + _quantity(rng)),
}  # fmt: skip


def _own(rng: random.Random, resource_type: str) -> Pair:
    """A parameter of the type itself."""
    code = rng.choice(list(PARAMETERS[resource_type]))
    kind = PARAMETERS[resource_type][code][0]
    if kind != "composite" and rng.random() < 0.1:
        return f"{code}:missing", rng.choice(("true", "false"))
    if kind == "reference":
        return _refers(rng, resource_type, code)
    modifiers, make = _ASKED[kind]
    modifier = rng.choice(modifiers)
    values = [make(rng, modifier) for _ in range(rng.choice((1, 1, 1, 2)))]
    return code + (f":{modifier}" if modifier else ""), ",".join(values)


def _refers(rng: random.Random, resource_type: str, code: str) -> Pair:
    target = rng.choice(TARGETS[resource_type, code])
    letter = {"Organization": "o", "Patient": "p", "Observation": "b"}[target]
    own_id = f"{letter}{rng.randint(0, 7)}"
    return rng.choice((
        (code, own_id), (code, f"{target}/{own_id}"), (f"{code}:{target}", own_id),
        (f"{code}:identifier", _coded(rng, ("1", "2", "x-1"))),
    ))  # fmt: skip


def _pair(rng: random.Random, resource_type: str, depth: int = 2) -> Pair:
    """A parameter, perhaps behind a chain or a reverse chain."""
    links = [code for one, code in TARGETS if one == resource_type]
    sources = [(one, code) for (one, code), targets in TARGETS.items() if resource_type in targets]
    if depth and links and rng.random() < 0.25:
        code = rng.choice(links)
        target = rng.choice(TARGETS[resource_type, code])
        name, value = _pair(rng, target, depth - 1)
        return f"{code}:{target}.{name}", value
    if depth and sources and rng.random() < 0.25:
        source, code = rng.choice(sources)
        name, value = _pair(rng, source, depth - 1)
        return f"_has:{source}:{code}:{name}", value
    return _own(rng, resource_type)


def _queries(rng: random.Random, count: int) -> Iterator[tuple[str, list[Pair]]]:
    for _ in range(count):
        resource_type = rng.choice(("Observation", "Observation", *PARAMETERS))
        yield resource_type, [_pair(rng, resource_type) for _ in range(rng.choice((1, 1, 2, 3)))]


def _url(resource_type: str, pairs: list[Pair]) -> str:
    return f"{resource_type}?" + "&".join(f"{name}={quote(value)}" for name, value in pairs)


Filled = tuple[SearchStore, Evaluation, random.Random]


@pytest.fixture(params=range(4))
def filled(
    request: pytest.FixtureRequest, store: SearchStore, monkeypatch: pytest.MonkeyPatch
) -> Filled:
    """Every second store is read in the ways of large ones."""
    rng = random.Random(request.param)  # noqa: S311 — no secret
    resources = random_store(rng)
    store.put(*resources)
    if request.param % 2:
        monkeypatch.setattr(access, "LEAST_MATCHES", 0.1)
        monkeypatch.setattr(access, "LEAST_IN_SECTIONS", 0)
        monkeypatch.setattr(totals, "LEAST_ROWS", 0)
        monkeypatch.setattr(totals, "LEAST_SHARE", 0.0)
        monkeypatch.setattr(statistics_module, "_known", {})
        with store.database.connection() as connection:
            connection.execute("ANALYZE")
    by_name = {f"{one['resourceType']}/{one['id']}": one for one in resources}
    return store, Evaluation(by_name), rng


def test_search__finds_what_meets_all_parameters(filled: Filled) -> None:
    store, evaluation, rng = filled
    for resource_type, pairs in _queries(rng, 150):
        url = _url(resource_type, pairs)
        expected = sorted(evaluation.find(resource_type, pairs))
        assert store.find(url + "&_count=1000") == expected, url


def test_pages__and_total_are_of_all_matches(filled: Filled) -> None:
    store, evaluation, rng = filled
    for resource_type, pairs in _queries(rng, 40):
        url = _url(resource_type, pairs)
        expected = sorted(evaluation.find(resource_type, pairs))
        paged = [one for page in store.pages(f"{url}&_count={rng.randint(1, 4)}") for one in page]
        assert sorted(paged) == expected, url
        assert store.search(f"{url}&_total=accurate&_count=1").total == len(expected), url
        for _ in range(2):
            assert store.search(f"{url}&_summary=count").total == len(expected), url
            with store.database.connection() as connection:
                keep_token_blocks(connection)


def test_sort__puts_ties_and_missing_values_in_their_place(filled: Filled) -> None:
    store, evaluation, rng = filled
    for resource_type, codes in SORTED.items():
        for _ in range(12):
            keys = [(code, rng.random() < 0.5) for code in rng.sample(codes, rng.randint(1, 2))]
            pairs = [_own(rng, resource_type)] if rng.random() < 0.3 else []
            order = ",".join(("-" if down else "") + code for code, down in keys)
            url = _url(resource_type, [*pairs, ("_sort", order)])
            paged = [
                one for page in store.pages(f"{url}&_count={rng.randint(1, 5)}") for one in page
            ]
            assert sorted(paged) == sorted(evaluation.find(resource_type, pairs)), url
            found = [evaluation.resources[name] for name in paged]
            for before, after in pairwise(found):
                assert _is_in_order(evaluation, before, after, keys), (url, paged)


def _is_in_order(
    evaluation: Evaluation, before: Json, after: Json, keys: list[tuple[str, bool]]
) -> bool:
    """By the first key that tells them apart; what has none comes last. Behind another key only the deciding
    limit of a range counts.
    """
    for position, (code, down) in enumerate(keys):
        one, other = (evaluation.sort_value(r, code, descending=down) for r in (before, after))
        if position:
            one, other = (value[0] if isinstance(value, tuple) else value for value in (one, other))
        if one == other:
            continue
        if one is None or other is None:
            return other is None
        return bool(one > other if down else one < other)
    return True


def test_include__sends_along_what_links_lead_to(filled: Filled) -> None:
    store, evaluation, rng = filled
    links = list(TARGETS)
    for _ in range(40):
        iterated = rng.sample(links, rng.randint(1, 2))
        reverse = rng.random() < 0.5
        name = "_revinclude:iterate" if reverse else "_include:iterate"
        matched = f"Observation/b{rng.randint(0, 7)}" if rng.random() < 0.7 else "Patient/p1"
        resource_type, _, own_id = matched.partition("/")
        asked = "".join(f"&{name}={one}:{code}" for one, code in iterated)
        result = store.search(f"{resource_type}?_id={own_id}{asked}", lenient=True)
        found = {f"{one.type}/{one.id}" for one in result.included}
        expected = evaluation.linked(matched, iterated, reverse=reverse) - {matched}
        assert found == expected, (matched, asked)
