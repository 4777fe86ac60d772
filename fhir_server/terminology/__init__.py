"""Terminology over what is loaded."""
