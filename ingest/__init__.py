"""HL7 v2 ingest of Osteon."""
