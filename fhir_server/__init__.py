"""The FHIR R4 server of Osteon."""
