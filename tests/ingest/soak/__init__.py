"""The soak: many centres that send badly, a server that is killed, and a store that must come out right."""
