"""Work in the background: processes of their own, which carry out what was asked for without waiting."""
