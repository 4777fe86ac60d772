"""Snapshots, compiled profiles and rule families."""
