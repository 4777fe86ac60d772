"""Subscriptions: what clients ask to be told of, and the events that come of writes."""
