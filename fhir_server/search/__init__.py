"""Search: parameters, requests, plans, SQL and index rows."""
