"""The synthetic network."""
