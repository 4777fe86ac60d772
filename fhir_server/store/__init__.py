"""Tables, connections and resource rows in PostgreSQL."""
