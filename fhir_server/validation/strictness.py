"""How severe is what the specification leaves to those who validate; the defaults are those of HL7's own
validator.
"""

from dataclasses import dataclass
from typing import Literal

Degree = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Strictness:
    """`displays`: a display that the code system does not have; where only a fragment of the system is at
    hand, or the resource is in a language that it does not speak, it is a warning in any case. `profiles`: a
    profile that a resource claims and that is not loaded; one that is asked for is an error in any case.
    `units`: a unit of a quantity that its system does not have.
    """

    displays: Degree = "error"
    profiles: Degree = "warning"
    units: Degree = "error"
