"""Snapshots, compiled profiles, and one file per rule family."""

from fhir_server.validation.positions import json_path, located
from fhir_server.validation.validator import Validator

__all__ = ["Validator", "json_path", "located"]
