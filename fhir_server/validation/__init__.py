"""Snapshots, compiled profiles, and one file per rule family."""

from fhir_server.validation.validator import Validator

__all__ = ["Validator"]
