"""FHIR packages: read from archives and registries, installed into the data directory, built."""
