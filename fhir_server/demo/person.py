"""Identities that nobody can take for those of a person.

Family names are the word `Fictif`, `Essai`, `Exemple` or `Modèle` and a bird or tree. The INS carries
the demonstration OID, begins with 9, which no French registration number does, and keeps its key
valid, so that a check of the key has something to check.
"""

from datetime import date, timedelta

from fhir_server.demo.entities import Entity
from fhir_server.demo.records import Identity, Precision, Sex
from fhir_server.demo.stream import Stream

PSEUDONYM_PREFIX = "RSO"

_MARKERS = ("Fictif", "Essai", "Exemple", "Modèle")
_NATURE = (
    "Alouette", "Aulne", "Bouleau", "Bouvreuil", "Buse", "Cèdre", "Charme", "Châtaignier", "Chêne",
    "Chevêche", "Cormier", "Cyprès", "Épervier", "Érable", "Fauvette", "Frêne", "Geai", "Genêt",
    "Grèbe", "Grive", "Hêtre", "Héron", "Houx", "If", "Loriot", "Mélèze", "Merle", "Mésange", "Milan",
    "Noisetier", "Olivier", "Orme", "Peuplier", "Pic-Vert", "Pinson", "Platane", "Roitelet", "Sapin",
    "Saule", "Sittelle", "Sorbier", "Tilleul", "Tremble", "Verdier",
)  # fmt: skip
_GIVEN: dict[Sex, tuple[str, ...]] = {
    "female": (
        "Adèle", "Agnès", "Aïcha", "Anaïs", "Camille", "Chloé", "Clémence", "Danièle", "Élise", "Eva",
        "Fatou", "Françoise", "Héloïse", "Inès", "Jade", "Jeanne", "Lina", "Louise", "Maëlle", "Manon",
        "Monique", "Nadia", "Nicole", "Océane", "Rose", "Simone", "Thaïs", "Yvonne", "Zoé",
    ),
    "male": (
        "Adrien", "Aimé", "André", "Bastien", "Benoît", "Clément", "Daniel", "Élie", "Eric", "François",
        "Gaël", "Hugo", "Ibrahim", "Jérôme", "Joël", "Karim", "Léo", "Loïc", "Lucas", "Marcel", "Michel",
        "Mehdi", "Noé", "Raphaël", "René", "Rémi", "Théo", "Yann", "Yves",
    ),
}  # fmt: skip


def identity(stream: Stream, seed: int, index: int, entity: Entity, diagnosed: date) -> Identity:
    """The identity of a patient in whom `entity` was found on the day `diagnosed`."""
    sex: Sex = "male" if stream.chance(entity.male) else "female"
    years = stream.around(*stream.weighted(entity.ages))
    birth_date = diagnosed - timedelta(days=years * 365 + years // 4 + stream.between(1, 364))
    precision: Precision = stream.weighted((("day", 0.955), ("month", 0.025), ("year", 0.02)))
    given = tuple(
        stream.pick(_GIVEN[sex]) for _ in range(stream.weighted(((1, 6), (2, 3), (3, 1))))
    )
    married = sex == "female" and years >= 25 and stream.chance(0.35)
    return Identity(
        pseudonym=f"{PSEUDONYM_PREFIX}-{seed:02d}-{index:07d}",
        ipp=f"{8_000_000_000 + serial(seed, index)}",
        ins=_ins(sex, birth_date, serial(seed, index))
        if precision == "day" and stream.chance(0.88)
        else None,
        family_name=_family_name(stream),
        used_name=_family_name(stream) if married else None,
        given_names=tuple(dict.fromkeys(given)),
        sex=sex,
        birth_date=birth_date,
        birth_precision=precision,
    )


def _family_name(stream: Stream) -> str:
    return f"{stream.pick(_MARKERS)}-{stream.pick(_NATURE)}"


def serial(seed: int, index: int) -> int:
    """Seven digits, the same for no two patients of a seed, nor of ten seeds of a million each."""
    return (index + seed * 1_000_003) % 10**7


def _ins(sex: Sex, birth_date: date, number: int) -> str:
    """Thirteen digits and their key, in the shape of a NIR but with a first digit that none has."""
    body = f"9{birth_date:%y%m}{'1' if sex == 'male' else '2'}{number:07d}"
    return f"{body}{97 - int(body) % 97:02d}"
