"""The command line `osteon`."""
