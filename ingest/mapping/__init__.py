"""v2 to FHIR maps, compiled from YAML."""
