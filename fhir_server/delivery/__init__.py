"""Deliveries of notifications: a process of its own, which sends what the outbox holds."""
