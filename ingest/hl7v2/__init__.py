"""HL7 v2 syntax: lexer, escapes, character sets, acknowledgements."""
