"""Ways in for HL7 v2 messages."""
