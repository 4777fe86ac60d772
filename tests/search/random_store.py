"""Random small stores, full of what searches trip over: ties, missing and several values, accents, wildcards,
partial dates, open ranges, units, references to what is not there.
"""

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

FAMILIES = (
    "Dupont", "du  Pont", "DUPONT", "Müller", "Muller", "de La Tour", "Martin", "100%", "a_b", "Œuvrard",
)  # fmt: skip
GIVEN = ("Anna", "Änne", "Jean Paul", "Jan", "j")
CODES = ("a", "A", "b", "c")
SYSTEMS = ("http://s.test", "http://t.test", None)
DATES = (
    "2020", "2020-02", "2020-02-29", "2020-03-01", "2019-12-31", "2020-02-29T10:30:00Z",
    "2020-02-29T10:30:00.250Z",
)  # fmt: skip
URLS = (
    "http://x.test/a",
    "http://x.test/a/b",
    "http://x.test/ab",
    "http://x.test/a/b/c",
    "urn:uuid:1",
)
NUMBERS = ("0", "0.5", "0.50", "0.05", "1", "0.95", "100", "99.5", "-3")
UCUM = "http://unitsofmeasure.org"
UNITS = ((UCUM, "mg"), (UCUM, "g"), ("http://u.test", "x"), (None, None))


def _maybe(rng: random.Random, make: Callable[[], Any], share: float = 0.75) -> Any:
    return make() if rng.random() < share else None


def _present(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if value not in (None, [], {})}


def _coding(rng: random.Random) -> Json:
    display = _maybe(rng, lambda: rng.choice(GIVEN), 0.3)
    return _present({
        "system": rng.choice(SYSTEMS), "code": rng.choice(CODES), "display": display,
    })  # fmt: skip


def _concept(rng: random.Random) -> Json:
    codings = [_coding(rng) for _ in range(rng.randint(0, 2))]
    text = _maybe(rng, lambda: rng.choice(FAMILIES), 0.3)
    return _present({"coding": codings, "text": text if codings else rng.choice(FAMILIES)})


def _identifier(rng: random.Random) -> Json:
    kind = {"coding": [{"system": "http://kind.test", "code": rng.choice(("MR", "PI"))}]}
    return _present({
        "system": rng.choice(SYSTEMS), "value": rng.choice(("1", "2", "x-1", "X-1")),
        "type": _maybe(rng, lambda: kind, 0.4),
    })  # fmt: skip


def _reference(rng: random.Random, *targets: str) -> Json:
    if rng.random() < 0.1:
        return {"identifier": _identifier(rng)}
    return {"reference": f"{rng.choice(targets)}{rng.randint(0, 7)}"}


def _quantity(rng: random.Random) -> Json:
    system, code = rng.choice(UNITS)
    return _present({
        "value": Decimal(rng.choice(NUMBERS)), "system": system, "code": code, "unit": code,
        "comparator": _maybe(rng, lambda: rng.choice(("<", ">", "<=", ">=")), 0.15),
    })  # fmt: skip


def _time(rng: random.Random) -> Json:
    if rng.random() < 0.6:
        return {"effectiveDateTime": rng.choice(DATES)}
    start = _maybe(rng, lambda: "2020-01-15")
    end = _maybe(rng, lambda: rng.choice(("2020-02-10", "2020-04")))
    period = _present({"start": start, "end": end})
    return {"effectivePeriod": period} if period else {}


def random_store(rng: random.Random) -> list[Json]:
    """Some patients, what is known of them, organizations, value sets."""
    made = [
        *(make(rng, number) for number in range(8) for make in (_organization, _value_set, _risk)),
        *(_patient(rng, number) for number in range(12)),
        *(_observation(rng, number) for number in range(24)),
    ]
    rng.shuffle(made)
    return made


def _organization(rng: random.Random, number: int) -> Json:
    return _present({
        "resourceType": "Organization", "id": f"o{number}", "name": rng.choice(FAMILIES),
        "active": _maybe(rng, lambda: rng.random() < 0.5),
        "partOf": _maybe(rng, lambda: _reference(rng, "Organization/o"), 0.5),
    })  # fmt: skip


def _value_set(rng: random.Random, number: int) -> Json:
    url = _maybe(rng, lambda: rng.choice(URLS))
    return _present({"resourceType": "ValueSet", "id": f"v{number}", "url": url})


def _risk(rng: random.Random, number: int) -> Json:
    predictions = _predictions(rng)
    return _present(
        {"resourceType": "RiskAssessment", "id": f"r{number}", "prediction": predictions}
    )


def _patient(rng: random.Random, number: int) -> Json:
    return _present({
        "resourceType": "Patient", "id": f"p{number}",
        "name": [_present({"family": _maybe(rng, lambda: rng.choice(FAMILIES)),
                           "given": [rng.choice(GIVEN) for _ in range(rng.randint(0, 2))]})
                 for _ in range(rng.randint(0, 2))],
        "gender": _maybe(rng, lambda: rng.choice(("male", "female"))),
        "birthDate": _maybe(rng, lambda: rng.choice(DATES[:5])),
        "identifier": [_identifier(rng) for _ in range(rng.randint(0, 2))],
        "managingOrganization": _maybe(rng, lambda: _reference(rng, "Organization/o")),
    })  # fmt: skip


def _observation(rng: random.Random, number: int) -> Json:
    return _present({
        "resourceType": "Observation", "id": f"b{number}", "status": rng.choice(("final", "amended")),
        "code": _maybe(rng, lambda: _concept(rng), 0.9), **_time(rng),
        "valueQuantity": _maybe(rng, lambda: _quantity(rng)),
        "subject": _maybe(rng, lambda: _reference(rng, "Patient/p", "Group/g")),
        "hasMember": [_reference(rng, "Observation/b") for _ in range(rng.randint(0, 2))],
        "component": [{"code": _concept(rng), "valueQuantity": _quantity(rng)}
                      for _ in range(rng.randint(0, 2))],
    })  # fmt: skip


def _predictions(rng: random.Random) -> list[Json]:
    made: list[Json] = []
    for _ in range(rng.randint(0, 2)):
        if rng.random() < 0.7:
            made.append({"probabilityDecimal": Decimal(rng.choice(NUMBERS))})
        else:
            limits = {"low": {"value": Decimal("0.5")}, "high": {"value": Decimal("1")}}
            limits.pop(rng.choice(("low", "high", "none")), None)
            made.append({"probabilityRange": limits})
    return made
