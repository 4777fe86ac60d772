"""Faults that only the person who runs Osteon can mend: a taken port, an unreachable database."""

from typing import ClassVar


class OperatorError(Exception):
    """Osteon cannot go on as it is set up. The message is one clear line that names what to change."""

    exit_code: ClassVar[int] = 3


class InputFaultError(OperatorError):
    """What a command was given cannot be used: the input is at fault, not the set-up."""

    exit_code = 1
