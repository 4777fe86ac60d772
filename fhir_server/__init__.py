"""The FHIR R4 server of Osteon."""

from importlib.metadata import version

__version__ = version("osteon")
