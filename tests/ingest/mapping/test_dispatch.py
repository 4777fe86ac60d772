"""Lines left out by what is known of a segment are those whose conditions do not hold."""

from dataclasses import replace

import pytest

from ingest.hl7v2 import Message
from ingest.mapping import default_library
from ingest.mapping.compiled_map import CompiledMap
from ingest.mapping.context import Context
from ingest.mapping.decide import compile_condition
from ingest.mapping.dispatch import EMPTY, FILLED, VALUED, dispatch_for
from ingest.mapping.scopes import Scope
from tests.ingest.mapping.feed import message

SEGMENTS = (
    "OBX|1|CWE|31206-6^Histologie^LN||9180/3^Osteosarcome^ICDO3||||||F|||20240312",
    "OBX|1|CWE|31206-6^Histologie^LN||9180/3^^ICDO3~9181/3^^ICDO3||||||D",
    "OBX|1|NM|21889-1^Taille^LN||42|mm^^UCUM|||||F",
    "OBX|1|NM|21889-1^Taille^LN||-4.2|%|||||F",
    'OBX|1|NM|A-1^Question||""||||||N',
    "OBX|1|CWE|A-1^Question||^sans code||||||X",
    "OBX|1|CWE|A-1^Question||~||||||F",
    "OBX|1|SN|A-1^Question||^1^:^8||||||F||||||||||||SITE^^L|||||||||1^2&S",
    "OBX|1|SN|A-1^Question||<>^1||||||F",
    "OBX|1|TX|22637-3^Conclusion^LN||Texte||||||F",
    "OBX|1|||||||||||||||||||||||||||||||",
    "OBX|1|ZZ|A-1^Question^L||autre||||||F" + "|" * 21 + "masked",
    "OBX",
)


def observation_map() -> CompiledMap:
    resources = default_library().messages["ORU^R01"].resources
    every = (one for resource in resources for one in resource.maps)
    return next(one for one in every if one.line_map.name == "OBX.Observation")


def sight_of(parsed: Message, compiled: CompiledMap) -> Context:
    library = default_library()
    centre = library.register.of_sender(
        parsed.sending_application or "", parsed.sending_facility or ""
    )
    assert centre is not None
    context = Context(centre, library.register, library.codes)
    segment = parsed.segments[-1]
    context.look_at(Scope("observation", None, [segment]), segment)
    context.bind(compiled.names)
    return context


@pytest.mark.parametrize("segment", SEGMENTS)
def test_narrowed__leaves_of_each_condition_what_it_says_of_the_segment(segment: str) -> None:
    compiled = observation_map()
    dispatch = dispatch_for(compiled.line_map, compiled.line_map.lines)
    parsed = message("ORU^R01", segment, sender="P01")
    context = sight_of(parsed, compiled)
    key, shape = dispatch.key(context), dispatch.shape(parsed.segments[-1])
    for line in compiled.line_map.lines:
        if line.when is None:
            continue
        left = dispatch.narrowed(line, key, shape)
        holds = left is not None and (
            left.when is None or compile_condition(left.when)(context, None)
        )
        assert holds == compile_condition(line.when)(context, None), line.target


def shape_of(segment: str) -> list[int]:
    line_map = observation_map().line_map
    asked = replace(dispatch_for(line_map, line_map.lines), fields=(1, 2, 3, 4, 5))
    return [*asked.shape(message("ORU^R01", segment, sender="P01").segments[-1])]


def test_shape__tells_empty_filled_and_valued_fields() -> None:
    assert shape_of('OBX|1||^A|""|B~C') == [FILLED, VALUED, EMPTY, FILLED, FILLED, VALUED]


def test_shape__starts_empty_where_nothing_repeats() -> None:
    assert shape_of("OBX|1||A") == [EMPTY, VALUED, EMPTY, VALUED, EMPTY, EMPTY]
