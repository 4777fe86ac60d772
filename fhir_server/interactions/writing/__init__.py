"""The one way to write: every create, update, delete and transaction passes here."""
