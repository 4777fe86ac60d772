"""The centre register as data that people add to."""
