"""Every message as it was received."""
