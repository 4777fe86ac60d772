"""Units on a curve: levels, acidity, potencies, slopes. Their numbers are no multiples of an amount.

Powers with a whole exponent are exact; others are worked out to 40 digits.
Source: UCUM 2.1 §21 to §22 (special units), tables 17, 20 and 23, https://ucum.org/ucum
"""

import math
from dataclasses import dataclass
from decimal import Decimal, DecimalException, localcontext
from fractions import Fraction

_DIGITS = 40
_MAX_EXPONENT = 1000


@dataclass(frozen=True, slots=True)
class Curve:
    """How the number of a unit leads to an amount: `base` ^ (number × `step`), or by `tan` and `sqrt`."""

    base: str
    step: Fraction

    def amount(self, number: Fraction) -> Fraction | None:
        """The amount, in the unit that the curve refers to; None beyond what can be worked out."""
        scaled = number * self.step
        if self.base == "tan":
            return Fraction(math.atan(scaled))
        if self.base == "sqrt":
            return scaled * scaled
        if abs(scaled) > _MAX_EXPONENT:
            return None
        if self.base != "e" and scaled.denominator == 1:
            return Fraction(self.base) ** scaled.numerator
        with localcontext(prec=_DIGITS):
            return Fraction((_decimal(scaled) * _ln(self.base)).exp())

    def number(self, amount: Fraction) -> Fraction | None:
        """The number of an amount; None where there is none."""
        if self.base == "tan":
            return Fraction(math.tan(amount)) / self.step
        if amount < 0 or (amount == 0 and self.base != "sqrt"):
            return None
        try:
            with localcontext(prec=_DIGITS):
                if self.base == "sqrt":
                    return Fraction(_decimal(amount).sqrt()) / self.step
                if self.base == "10":
                    return Fraction(_decimal(amount).log10()) / self.step
                return Fraction(_decimal(amount).ln() / _ln(self.base)) / self.step
        except DecimalException:
            return None


def _ln(base: str) -> Decimal:
    return Decimal(1) if base == "e" else Decimal(base).ln()


def _decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)
