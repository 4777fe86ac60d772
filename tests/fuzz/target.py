"""Runs a target under atheris, which only `make fuzz` installs."""

import sys
from collections.abc import Callable
from importlib import import_module


def fuzz(one_input: Callable[[bytes], None]) -> None:
    """Fuzz until the time given on the command line is over; an exception is a finding."""
    atheris = import_module("atheris")
    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
