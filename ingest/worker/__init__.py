"""From journal to store."""
