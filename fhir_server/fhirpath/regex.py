"""Regular expressions under a bound: of size when compiled, of time when run.

A pattern comes from an expression, hence from a profile or a request, and may be built to explode.

Source: FHIRPath N1 §5.6.7: patterns work in single-line mode, case counts.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from time import thread_time
from typing import TypeVar

import regex as engine

from fhir_server.fhirpath.errors import execution_error, shortened
from fhir_server.model.issues import Reason, because

MAX_PATTERN = 4_000
MAX_REPEAT = 100_000
TIMEOUT_S = 0.5
"""How long one match may take, in processor time; sane patterns take microseconds."""

BUDGET_S = 5.0
"""How much processor time all matches of one piece of work may take, where `matching_budget` surrounds it: a
busy machine refuses nothing that an idle one allows.
"""

SHORT = 64
"""Characters of a text that is matched against a harmless pattern without a look at the clock, which costs
ten times the match."""
MAX_STEPS = 50_000
"""Steps that such a match may take at worst, half a millisecond."""

_left: ContextVar[list[float] | None] = ContextVar("matching time left", default=None)
_Found = TypeVar("_Found")


@contextmanager
def matching_budget() -> Iterator[None]:
    """Within it, matches together take BUDGET_S at most; what comes after that is refused untried."""
    token = _left.set([BUDGET_S])
    try:
        yield
    finally:
        _left.reset(token)


def _bounded(match: Callable[[float | None], _Found], pattern: str, text: str) -> _Found:
    """The match, given how long it may take. Errors: FHIRPathError where that does not do."""
    if len(text) <= SHORT and is_harmless(pattern):
        return match(None)
    left = _left.get()
    started = thread_time()
    try:
        if left is not None and left[0] <= 0:
            raise TimeoutError
        return match(TIMEOUT_S)
    except TimeoutError:
        raise _too_slow(pattern) from None
    finally:
        if left is not None:
            left[0] -= thread_time() - started


_ESCAPED = engine.compile(r"\\[^1-9kgpPXRLKG]")
_CLASS = engine.compile(r"\[\^?\]?[^\[\]]*\]")
_INTRICATE = engine.compile(r"[\\\[\]]|\(\?|\)[*+{]|\{(?!\d+(?:,\d*)?\})")
_REPEATED = engine.compile(r"[*+]|\{\d+,\d*\}")


@lru_cache(maxsize=1024)
def is_harmless(pattern: str) -> bool:
    """Whether a match with a short text takes few steps, whatever the text: each repeat may end at any
    place, each optional part and each alternative is tried both ways, from each place in the text on. Parts
    that match nothing, such as `()`, can make each try as long as the pattern.
    """
    plain = _CLASS.sub("c", _ESCAPED.sub("e", pattern))
    if _INTRICATE.search(plain) is not None:
        return False
    choices = plain.count("?") + plain.count("|")
    tries: int = SHORT ** (1 + len(_REPEATED.findall(plain))) * 2**choices
    return tries * (1 + len(plain) // SHORT) <= MAX_STEPS


_COUNTS = engine.compile(r"\{(\d*),?(\d*)\}")


@lru_cache(maxsize=1024)
def compile_pattern(pattern: str) -> "engine.Pattern[str]":
    """The compiled pattern. Errors: FHIRPathError for one that is broken or too large."""
    if len(pattern) > MAX_PATTERN:
        raise execution_error("fhirpath-regex", pattern=shortened(pattern),
                              reason=because("because-regex-long"))  # fmt: skip
    product = 1
    for low, high in _COUNTS.findall(pattern):
        product *= max(int((high or low or "1")[:9]), 1)
        if product > MAX_REPEAT * 1_000_000 or int((high or low or "1")[:9]) > MAX_REPEAT:
            raise execution_error(
                "fhirpath-regex", pattern=shortened(pattern),
                reason=because("because-regex-repeats"),
            )  # fmt: skip
    try:
        return engine.compile(pattern, engine.DOTALL)
    except (engine.error, RecursionError, OverflowError) as fault:
        raise execution_error(
            "fhirpath-regex", pattern=shortened(pattern), reason=_broken(fault)
        ) from None


def _broken(fault: Exception) -> Reason:
    position = getattr(fault, "pos", None)
    if position is None:
        return because("because-regex-nested")
    return because("because-regex-broken", position=position + 1)


def search(pattern: str, text: str) -> bool:
    """Whether the pattern fits somewhere."""
    compiled = compile_pattern(pattern)
    found = _bounded(lambda limit: compiled.search(text, timeout=limit), pattern, text)
    return found is not None


def fullmatch(pattern: str, text: str) -> bool:
    """Whether the pattern fits the whole text."""
    compiled = compile_pattern(pattern)
    found = _bounded(lambda limit: compiled.fullmatch(text, timeout=limit), pattern, text)
    return found is not None


def replace(pattern: str, substitution: str, text: str, longest: int) -> str:
    """Every match replaced; `$1` and `${name}` in the substitution stand for groups. A result that would
    outgrow `longest` is given up as soon as it does.
    """
    compiled = compile_pattern(pattern)
    of_one_match = len(substitution) + len(_GROUP.findall(substitution)) * len(text)
    template: str | Callable[[engine.Match[str]], str] = _template(substitution)
    if of_one_match * (len(text) + 1) > longest:
        if of_one_match > longest * 10:
            raise too_long("replaceMatches()", longest)
        template = _counted(str(template), longest)
    try:
        return _bounded(lambda limit: compiled.sub(template, text, timeout=limit), pattern, text)
    except (engine.error, IndexError):
        raise execution_error(
            "fhirpath-regex", pattern=shortened(pattern),
            reason=because("because-regex-substitution"),
        ) from None  # fmt: skip


def _counted(template: str, longest: int) -> Callable[["engine.Match[str]"], str]:
    made = 0

    def expanded(match: "engine.Match[str]") -> str:
        nonlocal made
        piece: str = match.expand(template)
        made += len(piece)
        if made > longest:
            raise too_long("replaceMatches()", longest)
        return piece

    return expanded


def too_long(operation: str, longest: int) -> Exception:
    """What an operation makes has outgrown what a text may be."""
    return execution_error("fhirpath-too-many", operation=operation, most=longest)


_GROUP = engine.compile(r"\\\$|\$(?:(\d+)|\{(\w+)\})")


def _template(substitution: str) -> str:
    escaped = substitution.replace("\\", "\\\\").replace("\\\\$", "\\$")
    return _GROUP.sub(_group, escaped)


def _group(match: "engine.Match[str]") -> str:
    if match[0] == "\\$":
        return "$"
    return f"\\g<{match[1] or match[2]}>"


def _too_slow(pattern: str) -> Exception:
    return execution_error("fhirpath-regex-slow", pattern=shortened(pattern), seconds=TIMEOUT_S)
