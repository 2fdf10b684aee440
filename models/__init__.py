"""Tables and session: the truth in PostgreSQL, named."""
